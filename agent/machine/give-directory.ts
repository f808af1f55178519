import { constants } from 'node:fs';
import { lchown, lstat, mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Fault } from '../failure/failure.ts';
import type { Account } from './account.ts';
import { setMode } from './make-path.ts';

interface Manner {
  /** Of a new directory. */
  readonly mode: number;
  /** A directory that is known to be the daemon's: root's files in it are given to the daemon as well. */
  readonly known?: string;
}

const ROOT = 0;

/**
 * Makes sure, as root, that the daemon has its directory: makes a missing one, and gives it to the daemon where it is root's.
 * Root's files in it follow only where systemd would treat the directory in the same way (`StateDirectory=`, systemd.exec(5):
 * "the directory is recursively chowned"): another name could be a slip of the pen.
 * @throws Fault NL-STATE-WRITE
 */
export async function entrust(directory: string, account: Account, { mode, known }: Manner): Promise<void> {
  try {
    const found = await lstat(directory).catch(() => undefined);
    if (found === undefined) {
      await mkdir(dirname(directory), { recursive: true });
      await mkdir(directory);
      await setMode(directory, mode, account);
    } else if (found.isDirectory() && found.uid === ROOT) {
      if (directory === known) await hand(directory, account);
      else if ((await readdir(directory)).length === 0) await lchown(directory, account.uid, account.gid);
    }
  } catch (cause) {
    throw new Fault('NL-STATE-WRITE', { message: `${directory} cannot be given to the user ${account.name}.`, cause });
  }
}

/** By descriptor: the group may write to an inbox, and put a link in place of a directory meanwhile. */
async function hand(directory: string, account: Account): Promise<void> {
  const held = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const here = `/proc/self/fd/${held.fd}`;
    for (const name of await readdir(here)) {
      const path = join(here, name);
      const found = await lstat(path);
      if (found.uid !== ROOT) continue;
      if (found.isDirectory()) await hand(path, account);
      else if (found.nlink === 1) await lchown(path, account.uid, account.gid);
    }
    await held.chown(account.uid, account.gid);
  } finally {
    await held.close();
  }
}
