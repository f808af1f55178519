import { constants } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
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

/**
 * Mode, and owner, of a directory that was made just now: mkdir(2) narrows the mode by the umask. By descriptor, because another
 * user may own the directory above, and could put a link in its place meanwhile.
 * @throws the error of open(2) or fchmod(2)
 */
export async function setMode(path: string, mode: number, owner?: { readonly uid: number; readonly gid: number }) {
  const made = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    await made.chmod(mode);
    if (owner !== undefined) await made.chown(owner.uid, owner.gid);
  } finally {
    await made.close();
  }
}
