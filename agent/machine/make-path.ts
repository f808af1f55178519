import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a directory, if it is missing, and its missing parents. `mkdir` of Node 20.20.2 with `recursive` says ENOENT where
 * mkdir(2) has said ENOSPC (of node:fs/promises) or EROFS: then it cannot be told what passes by itself.
 * @param isLast the parents have been made
 * @returns whether it was missing
 * @throws the error of mkdir(2)
 */
export async function makePath(path: string, isLast = path === dirname(path)): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if ((await stat(path).catch(() => undefined))?.isDirectory() === true) return false;
    if (isLast || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await makePath(dirname(path));
  return makePath(path, true);
}
