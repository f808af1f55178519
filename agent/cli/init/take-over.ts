import { Fault } from '../../failure/failure.ts';
import { writeAtomically } from '../../state/durable.ts';
import { placeFor } from './copies.ts';
import type { Guide } from './guide.ts';
import { toNo } from './prompt.ts';
import { beside, writeSecret } from './secret.ts';
import type { Copied } from './settings.ts';

const ROOT = { uid: 0, gid: 0 };

/**
 * The file as the daemon can read it: a copy of one that only root can read. Where there is no terminal, it is copied unasked,
 * as a PIN is.
 * @param text of the file, as it was judged: another user may have changed the file by now
 * @returns undefined where the person wants no copy
 * @throws Fault NL-CONFIG
 */
export async function takenOver(
  guide: Guide,
  place: string,
  text: string,
  { name, isSecret }: Copied,
): Promise<string | undefined> {
  const { account, copies, dialogue, errands, later } = guide;
  if (account === undefined) return place;
  const { path: target, isThere } = await placeFor(guide, name, text);
  const isInPlace = place === target;
  const isReadable = isThere && !isInPlace && (await errands.whyUnreadable(target)) === undefined;
  if (dialogue.asks && !isReadable) {
    const [first, offer] = [beside(guide, name), isInPlace ? 'Let the daemon read it?' : `Copy it to ${target}?`];
    const another = target === first ? '' : ` ${first} has another text, and stays.`;
    dialogue.say(`The daemon, which is the user ${account.name}, cannot read ${place}.${another}`);
    if (!(await dialogue.confirm(offer, true).catch(toNo))) return undefined;
  }
  try {
    await writeAtomically(target, text, isSecret ? 0o600 : 0o644, isSecret ? account : ROOT);
    if (!isThere) copies.set(target, place);
  } catch (cause) {
    throw new Fault('NL-CONFIG', { message: `${target} cannot be written.`, cause });
  }
  const reader = isSecret ? `only the user ${account.name} can read it` : 'all users can read it';
  const words = isInPlace ? place : `${place} is copied to ${target}`;
  const told = isReadable ? `${place} is already copied to ${target}.` : `${words}: ${reader}.`;
  // Where an answer is refused, a script ends, and its copies go.
  if (!dialogue.asks && copies.has(target)) later.push(told);
  else dialogue.ok(told);
  return target;
}

/** Keeps a password for the daemon. @returns the path of its file */
export async function keepSecret(guide: Guide, { name }: Copied, secret: string): Promise<string> {
  const { path, isThere } = await placeFor(guide, name, `${secret}\n`);
  await writeSecret(guide, path, secret, 'daemon');
  if (!isThere) guide.copies.set(path, path);
  return path;
}
