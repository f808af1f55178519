import { readFile } from 'node:fs/promises';
import { Fault } from '../../failure/failure.ts';
import { writeAtomically } from '../../state/durable.ts';
import type { Guide } from './guide.ts';
import { beside } from './secret.ts';

/** How a file is kept beside the configuration, where the daemon cannot read the one that was named. */
export interface Copied {
  readonly name: string;
  /** For the daemon alone. */
  readonly isSecret?: true;
}

const ROOT = { uid: 0, gid: 0 };

/**
 * The file as the daemon can read it: itself, or a copy of one that only root can read. Where there is no terminal, it is
 * copied unasked, as a PIN is.
 * @returns undefined where the person wants no copy
 * @throws Fault NL-CONFIG
 */
export async function takenOver(guide: Guide, place: string, { name, isSecret }: Copied): Promise<string | undefined> {
  const { account, dialogue, errands } = guide;
  if (account === undefined || !place.startsWith('/')) return place;
  if ((await errands.whyUnreadable(place)) !== 'EACCES') return place;
  const target = beside(guide, name);
  const kept = `${target}.bak`;
  const text = await readFile(place, 'utf8');
  const before = await readFile(target, 'utf8').catch(() => text);
  const another = before === text ? '' : ` The file that was there is kept as ${kept}.`;
  const isInPlace = place === target;
  if (dialogue.asks) {
    dialogue.say(`Only root can read ${place}, and the daemon is the user ${account.name}.${another}`);
    const offer = isInPlace ? 'Let the daemon read it?' : `Copy it to ${target}?`;
    if (!(await dialogue.confirm(offer, true))) return undefined;
  }
  try {
    if (another !== '') await writeAtomically(kept, before, 0o600, ROOT);
    await writeAtomically(target, text, isSecret ? 0o600 : 0o644, isSecret ? account : ROOT);
  } catch (cause) {
    throw new Fault('NL-CONFIG', { message: `${target} cannot be written.`, cause });
  }
  const reader = isSecret ? `only the user ${account.name} can read it` : 'all users can read it';
  dialogue.ok(`${isInPlace ? place : `${place} is copied to ${target}`}: ${reader}.${dialogue.asks ? '' : another}`);
  return target;
}
