import { lstat, open, readdir, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { onMissing } from '../failure/errno.ts';
import { type Failure, sentence } from '../failure/failure.ts';
import { writeAtomically } from '../state/durable.ts';
import type { Delivery } from './file.ts';

/** A name has 255 bytes (NAME_MAX), and the reason, a number and what writeAtomically adds must fit, too. */
const LONGEST_NAME = 200;

/** At most so many lie there: a back end that delivers wrong files must not fill the disk over the years. */
export const MOST_KEPT = 20;

const REASON = '.reason';

/**
 * Moves a refused file out of the way, with its reason in a sentence beside it. Older files of the same name stay. The reason
 * is written first: after a power cut in between, the delivery is judged again. The oldest are removed.
 * @returns the path where it lies now
 * @throws Fault NL-STATE-WRITE, and the error of open(2) or rename(2): ENOTDIR for a path that has become a directory
 * meanwhile
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
  // A failed removal is no reason to judge this one again.
  await removeOldest(directory).catch(() => undefined);
  return target;
}

/**
 * Takes a free name with an empty file. It also keeps a directory from being moved, if the inbox holds one under this name by
 * now: rename(2) answers ENOTDIR, "oldpath is a directory, and newpath exists but is not a directory".
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

/** By the time of the reasons: a delivery has the time of its writer's clock. */
async function removeOldest(directory: string): Promise<void> {
  const reasons = (await readdir(directory)).filter((name) => name.endsWith(REASON));
  const paths = reasons.map((name) => join(directory, name));
  const dated = await Promise.all(paths.map(async (path) => ({ path, at: (await lstat(path)).mtimeMs })));
  for (const { path } of dated.sort((one, other) => other.at - one.at).slice(MOST_KEPT)) {
    try {
      // The reason last: after a power cut in between it is found again. Never a directory (unlink(2), EISDIR): other users
      // name its content, and may put a link to our state in the way of a removal.
      await unlink(path.slice(0, -REASON.length)).catch(onMissing(undefined));
      await unlink(path).catch(onMissing(undefined));
    } catch {
      // A directory that another user has put here stays, with its reason; the other files are removed all the same.
    }
  }
}

/** A name that is safe to show and to log, shortened. */
export const plain = (name: string, longest = LONGEST_NAME): string =>
  name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, longest);
