import { lstat, open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Failure, sentence } from '../failure/failure.ts';
import { writeAtomically } from '../state/durable.ts';
import type { Delivery } from './file.ts';

/** A name has 255 bytes (NAME_MAX), and the reason, a number and what writeAtomically adds must fit, too. */
const LONGEST_NAME = 200;

/** So many lie there at most: a back end that delivers what does not fit must not fill the disk over the years. */
export const MOST_KEPT = 20;

const REASON = '.reason';

/**
 * Moves what is refused out of the way, with a sentence beside it that says why. What lies there by the same name stays.
 * The reason is written first: after a power cut in between the delivery is judged again. The oldest go.
 * @returns the path where it lies now
 * @throws Fault NL-STATE-WRITE, and the error of open(2) or rename(2): ENOTDIR for what has become a directory meanwhile
 */
export async function reject({ name, path }: Delivery, directory: string, failure: Failure): Promise<string> {
  const wanted = Buffer.byteLength(name) <= LONGEST_NAME ? name : plain(name);
  const target = await claim(directory, wanted);
  const reason = `${target}${REASON}`;
  try {
    await writeAtomically(reason, `${sentence(failure)}\n`, 0o640);
    await rename(path, target);
  } catch (error) {
    for (const made of [target, reason]) await unlink(made).catch(() => undefined);
    throw error;
  }
  // What cannot be removed is no reason to judge this one again.
  await removeOldest(directory).catch(() => undefined);
  return target;
}

/**
 * Takes a free name with an empty file. It also keeps a directory from being moved, whatever stands in the inbox by now:
 * rename(2) answers ENOTDIR, "oldpath is a directory, and newpath exists but is not a directory".
 */
async function claim(directory: string, wanted: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const target = join(directory, number === 1 ? wanted : `${wanted}.${number}`);
    try {
      await (await open(target, 'wx', 0o640)).close();
      return target;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
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
    try {
      // The reason last: after a power cut in between it is found again. Never a directory (unlink(2), EISDIR): what it
      // holds is named by somebody else, who may put a link to our state into the way of a removal.
      await unlink(path.slice(0, -REASON.length)).catch(unlessGone);
      await unlink(path).catch(unlessGone);
    } catch {
      // A directory that was moved here before stays, with its reason; the others are no worse for it.
    }
  }
}

function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** A name that can be shown and logged anywhere, shortened. */
export const plain = (name: string, longest = LONGEST_NAME): string =>
  name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, longest);
