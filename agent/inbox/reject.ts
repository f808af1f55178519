import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../durable.ts';
import { type Failure, sentence } from '../roll/failure.ts';
import type { Delivery } from './delivery.ts';

/** A name has 255 bytes (NAME_MAX), and the reason, a number and what writeAtomically adds must fit, too. */
const LONGEST_NAME = 200;

/** So many lie there at most: a back end that delivers what does not fit must not fill the disk over the years. */
export const MOST_KEPT = 20;

const REASON = '.reason';

/**
 * Moves what is refused out of the way, with a sentence beside it that says why. What lies there by the same name stays.
 * The reason is written first: after a power cut in between the delivery is judged again. The oldest go.
 * @returns the path where it lies now
 * @throws Fault NL-STATE-WRITE, and the error of rename(2)
 */
export async function reject({ name, path }: Delivery, directory: string, failure: Failure): Promise<string> {
  const wanted = Buffer.byteLength(name) <= LONGEST_NAME ? name : plain(name);
  let target = join(directory, wanted);
  for (let number = 2; await isThere(target); number += 1) target = join(directory, `${wanted}.${number}`);
  await writeAtomically(`${target}${REASON}`, `${sentence(failure)}\n`, 0o640);
  await rename(path, target);
  // What cannot be removed is no reason to judge this one again.
  await removeOldest(directory).catch(() => undefined);
  return target;
}

/** By the time of their reasons: what was delivered has the time of whoever wrote it. */
async function removeOldest(directory: string): Promise<void> {
  const reasons = (await readdir(directory)).filter((name) => name.endsWith(REASON));
  const dated = await Promise.all(
    reasons.map(async (name) => {
      const path = join(directory, name);
      return { path, at: (await lstat(path)).mtimeMs };
    }),
  );
  for (const { path } of dated.sort((one, other) => other.at - one.at).slice(MOST_KEPT)) {
    // The reason last: after a power cut in between it is found again.
    await rm(path.slice(0, -REASON.length), { recursive: true, force: true });
    await rm(path, { force: true });
  }
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/** A name that can be shown and logged anywhere, shortened. */
export const plain = (name: string, longest = LONGEST_NAME): string =>
  name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, longest);
