import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Fault } from '../failure/failure.ts';
import { makePath, setMode } from '../machine/make-path.ts';
import { isFull, MAKE_ROOM, REMOUNT, roomLeft } from '../machine/room.ts';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Words of a cause, and the advice where it is not that of the code. */
const CAUSES: Readonly<Record<string, readonly [words: string, advice?: string]>> = {
  ENOSPC: ['no space is left on the file system', MAKE_ROOM],
  EDQUOT: ['the quota is used up', 'Make room, or raise the quota.'],
  EROFS: ['the file system is read-only', REMOUNT],
  EACCES: ['permission denied'],
  EPERM: ['permission denied'],
  EEXIST: ['something else is in its place'],
  EISDIR: ['a directory is in its place'],
  ENOTDIR: ['a file is in the place of its directory'],
  EIO: ['the disk does not work'],
};

/**
 * Replaces a file, so that a power cut at any moment leaves the old text or the new one: write beside it, fsync, rename, fsync
 * of the directory. A missing directory is made with mode 0750. The remains of an interrupted attempt are removed. Calls for
 * one path must not overlap.
 * @param owner where root writes; the owner of the directory by default
 * @throws Fault NL-STATE-WRITE; the old file is intact
 */
export async function writeAtomically(path: string, text: string, mode: number, owner?: Owner): Promise<void> {
  const beside = join(dirname(path), `.${basename(path)}.new`);
  try {
    try {
      await writeNew(beside, text, mode, owner);
      await rename(beside, path);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
    await syncDirectory(dirname(path));
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/**
 * The same, only where the text differs: a daemon that is started every half minute must not wear out the flash.
 * @throws Fault NL-STATE-WRITE; the old file is intact
 */
export async function writeIfOther(path: string, text: string, mode: number): Promise<void> {
  if ((await readRegular(path).catch(() => undefined)) !== text) await writeAtomically(path, text, mode);
}

/**
 * Makes a missing directory with mode 0750: the group may read the files for others. Parents get the usual mode, and an
 * existing one keeps its own.
 * @throws Fault NL-STATE-WRITE
 */
export function makeDirectory(path: string): Promise<void> {
  return makeMissing(path).catch((cause: unknown) => Promise.reject(unwritable(path, cause)));
}

async function makeMissing(path: string): Promise<void> {
  await makePath(dirname(path));
  try {
    await mkdir(path, { mode: 0o700 });
    await setMode(path, 0o750);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  await syncDirectory(dirname(path));
}

async function writeNew(path: string, text: string, mode: number, owner?: Owner): Promise<void> {
  const file = await openNew(path, mode);
  try {
    // The mode given to open is narrowed by the umask.
    await file.chmod(mode);
    // Root may run `newleaf init`, and the daemon must be able to use its files.
    if (process.geteuid?.() === 0) {
      const { uid, gid } = owner ?? (await stat(dirname(path)));
      await file.chown(uid, gid);
    }
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Looks for an obstacle only after a failure: each look is a trip through the thread pool, at every write. */
async function openNew(path: string, mode: number): Promise<FileHandle> {
  try {
    return await open(path, 'wx', mode);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') await makeMissing(dirname(path));
    else if (code === 'EEXIST') await rm(path);
    else throw error;
    return await open(path, 'wx', mode);
  }
}

/**
 * Whether the directory of a file takes another, without a write: access(2) knows rights and EROFS, statfs(2) what is left.
 * @throws Fault NL-STATE-WRITE
 */
export async function assertWritable(path: string): Promise<void> {
  try {
    await access(dirname(path), constants.W_OK | constants.X_OK);
    if (isFull(await roomLeft(dirname(path)))) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

/**
 * The text of a file in a directory of the daemon. Root reads it, too (status, support-bundle, fallback), and must neither
 * follow a link to a secret file nor wait for a pipe.
 * @throws the error of open(2) or read(2): ELOOP for a link, EINVAL for an entry without text
 */
export async function readRegular(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (found.isFile() || found.isDirectory()) return await file.readFile('utf8');
    throw Object.assign(new Error(`${path} is not a regular file`), { code: 'EINVAL', path });
  } finally {
    await file.close();
  }
}

/** A rename or a removal is on the disk only after its directory is (fsync(2)). */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function unwritable(path: string, cause: unknown): Fault {
  const [, advice] = causeOf(cause);
  const message = `${path} cannot be written: ${diskWords(cause)}.`;
  return new Fault('NL-STATE-WRITE', { message, cause, ...(advice !== undefined && { advice }) });
}

/** Why a call to the file system failed, as the end of a sentence. */
export const diskWords = (cause: unknown): string => causeOf(cause)[0];

function causeOf(cause: unknown): readonly [words: string, advice?: string] {
  const { code = '' } = cause as NodeJS.ErrnoException;
  return CAUSES[code] ?? [code];
}

/** A slow disk with much to write; one that hangs must not hold up the caller for ever. */
const SYNC_MS = 30_000;

/**
 * Flushes all written data to the disk: sync(2) by sync(1), because node has no call for it. As far as possible: never
 * rejected, and gives up after half a minute.
 */
export function sync(): Promise<void> {
  const over = new Promise<void>((resolve) => {
    const child = spawn('sync', { stdio: 'ignore', detached: true });
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(end, SYNC_MS);
    child.once('error', end).once('exit', end);
  });
  // Most errors of spawn are events; ENOMEM, where there is no memory for another process, is thrown.
  return over.catch(() => {});
}
