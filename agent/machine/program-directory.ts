import { constants, existsSync, readFileSync } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, readFile, rmdir, unlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { onMissing } from '../failure/errno.ts';
import { Fault } from '../failure/failure.ts';
import { groupsIn, localAccount } from './account.ts';

/** A user or a group. */
export interface Numbered {
  readonly id: number;
  readonly name: string;
}

/** The directory in which the daemon makes the socket of a program. */
export interface ProgramDirectory {
  readonly program: string;
  /** The directory with a directory for each program (`uplink.sockets`). */
  readonly sockets: string;
  readonly owner: Numbered;
  /** Of the daemon. */
  readonly ownGroup: Numbered;
  /** Its users may connect. */
  readonly group: Numbered;
}

/** tmpfiles.d(5): where an administrator puts them. */
export const TMPFILES = '/etc/tmpfiles.d';

/**
 * The file by which root has the directory made at each boot. Where it is, root has made the program, and only root changes it.
 * @param sockets their directory: that of another daemon has another name (newleaf-uplink@NAME)
 */
export const recordOf = (program: string, sockets: string, tmpfiles: string): string => {
  const name = basename(sockets);
  return join(tmpfiles, `${name.startsWith('newleaf-uplink@') ? name : 'newleaf-uplink'}-${program}.conf`);
};

/** While this file is there, root agrees to what the daemon is asked about a program that root has made: no other user can make it. */
export const agreementTo = (record: string): string => `${record}.agreed`;

export const SOCKETS_MODE = 0o755;
/** The daemon owns it, and the group may enter. The socket inherits the group (inode(7), S_ISGID): the daemon may not give it. */
export const PROGRAM_MODE = 0o2750;
const ROOT = 0;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Makes it as root. The directory above is the daemon's, which could put a link there meanwhile: none is followed, and what was
 * entered is held open.
 * @returns whether it was not there before
 * @throws Fault NL-UPLINK-SOCKET
 */
export function makeProgramDirectory({ program, sockets, ...given }: ProgramDirectory): Promise<boolean> {
  const { owner, ownGroup, group } = given;
  return guarded(join(sockets, program), async (entered) => {
    const above = await enter(sockets, entered, true);
    const isRoots = (await above.handle.stat()).uid === ROOT && (await readdir(at(above.handle, ''))).length === 0;
    if (above.isMade || isRoots) await give(above.handle, owner, ownGroup, SOCKETS_MODE);
    const { handle, isMade } = await step(above.handle, program, entered, true);
    const { uid } = await handle.stat();
    if (uid !== ROOT && uid !== owner.id) throw new Error(`it belongs to the user ${uid}`);
    await give(handle, owner, group, PROGRAM_MODE);
    return isMade;
  });
}

/** With the socket in it. Other files in it stay, and the directory with them. @throws Fault NL-UPLINK-SOCKET */
export function removeProgramDirectory(sockets: string, program: string): Promise<void> {
  return guarded(join(sockets, program), async (entered) => {
    try {
      const above = await enter(sockets, entered, false);
      const { handle } = await step(above.handle, program, entered, false);
      for (const found of await readdir(at(handle, ''), { withFileTypes: true })) {
        if (found.isSocket()) await unlink(at(handle, found.name));
      }
      await rmdir(at(above.handle, program));
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (!['ENOENT', 'ENOTEMPTY'].includes(code)) throw error;
    }
  });
}

interface Entered {
  readonly handle: FileHandle;
  readonly isMade: boolean;
}

/** Goes down the path step by step: open(2) would follow a link on the way. */
async function enter(path: string, entered: FileHandle[], mayMake: boolean): Promise<Entered> {
  let here: Entered = { handle: await open('/', DIRECTORY), isMade: false };
  entered.push(here.handle);
  for (const part of resolve(path).split('/').filter(Boolean)) here = await step(here.handle, part, entered, mayMake);
  return here;
}

async function step(from: FileHandle, name: string, entered: FileHandle[], mayMake: boolean): Promise<Entered> {
  const isMade = mayMake && (await isMadeNow(at(from, name)));
  const handle = await open(at(from, name), DIRECTORY);
  entered.push(handle);
  // The mode given to mkdir is narrowed by the umask.
  if (isMade) await handle.chmod(SOCKETS_MODE);
  return { handle, isMade };
}

async function isMadeNow(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    // mkdir(2): "pathname already exists (not necessarily as a directory)"; a link, too, whether it leads somewhere or not.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The way of proc(5) to a name in an open directory: node has no openat(2). */
const at = ({ fd }: FileHandle, name: string): string => `/proc/self/fd/${fd}/${name}`;

/** The mode comes last: chown(2) may take S_ISGID away. */
async function give(handle: FileHandle, owner: Numbered, group: Numbered, mode: number): Promise<void> {
  await handle.chown(owner.id, group.id);
  await handle.chmod(mode);
}

/**
 * In which way the directory is not as root's record says; undefined where it is, and where one of them is not there.
 * @throws the error of the file system
 */
export async function differenceFrom(record: string, directory: string): Promise<string | undefined> {
  const [text, found] = await Promise.all([readFile(record, 'utf8'), lstat(directory)]).catch(onMissing([]));
  const [, mode = '', owner = '', group = ''] =
    /^d \S.* ([0-7]{4}) (\S+) (\S+) -\n*$/m.exec(lastLine(text ?? '')) ?? [];
  if (found === undefined || mode === '') return undefined;
  const groups = existsSync('/etc/group') ? readFileSync('/etc/group', 'utf8') : '';
  const [gid] = groupsIn(groups, [group]);
  const uid = /^\d+$/.test(owner) ? Number(owner) : localAccount(owner)?.uid;
  const isRight = found.uid === uid && found.gid === gid && (found.mode & 0o7777) === Number.parseInt(mode, 8);
  const is = `${(found.mode & 0o7777).toString(8).padStart(4, '0')} of user ${found.uid} and group ${found.gid}`;
  return isRight ? undefined : `it is ${is}, and not ${mode} of ${owner} and ${group}`;
}

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? '';

/** Closes what was entered. @throws Fault NL-UPLINK-SOCKET */
async function guarded<T>(path: string, work: (entered: FileHandle[]) => Promise<T>): Promise<T> {
  const entered: FileHandle[] = [];
  try {
    return await work(entered);
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    // open(2) with O_DIRECTORY and O_NOFOLLOW.
    if (!['ENOTDIR', 'ELOOP'].includes(code)) {
      throw new Fault('NL-UPLINK-SOCKET', { message: `The directory ${path} cannot be made or removed.`, cause });
    }
    const message = `The way to ${path} has a link in it, or a file, and root follows no link here.`;
    const advice = 'Name the directory itself in uplink.sockets, or move away what is in its place.';
    throw new Fault('NL-UPLINK-SOCKET', { message, advice });
  } finally {
    for (const handle of entered) await handle.close();
  }
}
