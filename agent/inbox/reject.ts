import { lstat, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { writeAtomically } from '../durable.ts';
import { type Failure, sentence } from '../roll/failure.ts';
import type { Delivery } from './delivery.ts';

/** A name has 255 bytes (NAME_MAX), and the reason, a number and what writeAtomically adds must fit, too. */
const LONGEST_NAME = 200;

/**
 * Moves what is refused out of the way, with a sentence beside it that says why. What lies there by the same name stays.
 * The reason is written first: after a power cut in between the delivery is judged again.
 * @returns the path where it lies now
 * @throws Fault NL-STATE-WRITE, and the error of rename(2)
 */
export async function reject({ name, path }: Delivery, directory: string, failure: Failure): Promise<string> {
  const wanted = Buffer.byteLength(name) <= LONGEST_NAME ? name : plain(name);
  let target = join(directory, wanted);
  for (let number = 2; await isThere(target); number += 1) target = join(directory, `${wanted}.${number}`);
  await writeAtomically(`${target}.reason`, `${sentence(failure)}\n`, 0o640);
  await rename(path, target);
  return target;
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

/** A name that can be shown and logged anywhere, shortened. */
export const plain = (name: string, longest = LONGEST_NAME): string =>
  name.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, longest);
