import { readFile, rm } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { onMissing } from '../../failure/errno.ts';
import { Fault } from '../../failure/failure.ts';
import { asRoot } from '../../machine/contained.ts';
import { writeAtomically } from '../../state/durable.ts';
import { toNo } from './dialogue.ts';
import { type Guide, misconfigured } from './guide.ts';

/** How a file is kept beside the configuration, where the daemon cannot read the one that was named. */
export interface Copied {
  readonly name: string;
  readonly isSecret?: true;
}

/**
 * The first of `trust.pem`, `trust-2.pem`, … that is free, or has this very text. A file that is there may be in use, so its text
 * is never replaced: the configuration that is written at the end is the only switch, also where the power is cut.
 */
async function placeFor(guide: Guide, name: string, text: string) {
  const named = namedBy(guide);
  const end = extname(name);
  for (let number = 1; ; number += 1) {
    const path = beside(guide, number === 1 ? name : `${basename(name, end)}-${number}${end}`);
    const there = await textAt(path);
    // One of this run that was refused is no longer needed.
    const isRefused = guide.copies.has(path) && !named.includes(path);
    if (there === undefined || there === text || isRefused) return { path, isThere: there === text };
  }
}

/** @returns undefined where nothing is there; false for anything that is no text */
const textAt = (path: string): Promise<string | false | undefined> =>
  readFile(path, 'utf8').catch(({ code }: NodeJS.ErrnoException) => (code === 'ENOENT' ? undefined : false));

/**
 * The file as the daemon can read it: a copy of one that only root can read. Where there is no terminal, it is copied unasked,
 * as a PIN is.
 * @param text of the file, as it was judged: another user may have changed the file by now
 * @returns undefined where the person wants no copy
 * @throws Fault NL-CONFIG
 */
export async function takenOver(guide: Guide, place: string, text: string, { name, isSecret }: Copied) {
  const { account, copies, dialogue, errand, later } = guide;
  if (account === undefined) return place;
  const { path: target, isThere } = await placeFor(guide, name, text);
  const isInPlace = place === target;
  const isReadable = isThere && !isInPlace && (await errand('whyUnreadable', target)) === undefined;
  if (dialogue.asks && !isReadable) {
    const [first, offer] = [beside(guide, name), isInPlace ? 'Let the daemon read it?' : `Copy it to ${target}?`];
    const another = target === first ? '' : ` ${first} has another text, and stays.`;
    dialogue.say(`The daemon, which is the user ${account.name}, cannot read ${place}.${another}`);
    if (!(await dialogue.confirm(offer, true).catch(toNo))) return undefined;
  }
  await writeFor(isSecret ? 'daemon' : 'all', guide, target, text);
  if (!isThere) copies.set(target, place);
  const reader = isSecret ? `only the user ${account.name} can read it` : 'all users can read it';
  const words = isInPlace ? place : `${place} is copied to ${target}`;
  const told = isReadable ? `${place} is already copied to ${target}.` : `${words}: ${reader}.`;
  // Where an answer is refused, a script ends, and its copies go.
  if (!dialogue.asks && copies.has(target)) later.push(told);
  else dialogue.ok(told);
  return target;
}

export async function keepSecret(guide: Guide, { name }: Copied, secret: string): Promise<string> {
  const { path, isThere } = await placeFor(guide, name, `${secret}\n`);
  await writeFor('daemon', guide, path, `${secret}\n`);
  if (!isThere) guide.copies.set(path, path);
  return path;
}

/** Removes the copies of this run that no answer names. @param isKept whether the answers are kept for the next run */
export async function dropCopies(guide: Guide, isKept: boolean): Promise<void> {
  const named = isKept ? namedBy(guide) : [];
  for (const path of guide.copies.keys()) if (!named.includes(path)) await rm(path, { force: true });
}

const namedBy = ({ answers }: Guide) => [...answers.values()];

const ROOT = { uid: 0, gid: 0 };

export const beside = ({ file }: Pick<Guide, 'file'>, name: string): string => join(dirname(file), name);

/** Writes a file beside the configuration. @throws Fault NL-CONFIG */
export async function writeFor(
  reader: 'caller' | 'daemon' | 'all',
  { account, env }: Pick<Guide, 'account' | 'env'>,
  path: string,
  text: string,
): Promise<void> {
  // The directory may be the daemon user's: that user must not get a file that only root may read.
  const owner = reader === 'daemon' ? account : account && ROOT;
  try {
    await writeAtomically(path, text, reader === 'all' ? 0o644 : 0o600, owner);
  } catch (error) {
    throw needsRoot(path, env, 'written', error instanceof Fault ? error.failure.message : error);
  }
}

/** The trimmed content of a file with a secret; undefined where it is missing or empty. */
export const readSecret = (path: string, env: Guide['env']): Promise<string | undefined> =>
  readFile(path, 'utf8')
    .catch(onMissing(''))
    .then(
      (text) => text.trim() || undefined,
      (cause: unknown) => Promise.reject(needsRoot(path, env, 'read', cause)),
    );

const needsRoot = (path: string, env: Guide['env'], done: string, cause: unknown): Fault =>
  misconfigured(`${path} cannot be ${done}.`, asRoot(dirname(path), env), cause);
