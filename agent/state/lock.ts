import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, constants, fchownSync, fstatSync, openSync, statSync } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type FailureDetail, Fault } from '../failure/failure.ts';
import { knock, listenAt } from '../machine/unix-socket.ts';
import { makeDirectory } from './durable.ts';

export interface Lock {
  release(): Promise<void>;
}

/** In the state directory, for the daemon's user alone: its group could hold the lock as well, and keep the daemon from starting. */
export const LOCK = 'daemon.lock';

/** One `newleaf init`, which starts a daemon of its own: the two have locks of their own. */
export const INIT_LOCK = 'init.lock';

/** `isLocked` holds the lock for a moment: it is asked for again, so often, with these milliseconds in between. */
const TRIES = 5;
const APART_MS = 100;
/** A disk behind a network that hangs holds nothing up, in milliseconds. */
const ANSWER_MS = 10_000;
/** `sun_path` has 108 bytes (unix(7)). */
const NAME_BYTES = 108;

/**
 * One daemon for a state directory, also between containers that share it: flock(2) on a file in it, which stays empty and is
 * written once. The lock is the same from every namespace, and ends with its process, however that ends. On a disk that takes
 * no file, the directory itself takes its place. Where there is no flock(1), or the file system has no locks, an abstract
 * socket does: it is seen in one network namespace only, and any user of the machine can take it before us.
 * Makes a missing directory.
 * @param name of the file
 * @param taken how it is told that another has it
 * @throws Fault NL-DAEMON-RUNS; NL-STATE-WRITE where there is no directory
 */
export async function takeLock(
  directory: string,
  name = LOCK,
  taken: FailureDetail = { message: `Another newleaf already runs on ${directory}.` },
): Promise<Lock> {
  await makeDirectory(directory);
  const descriptor = lockOf(directory, name);
  let answer = await flock(descriptor);
  for (let tries = 1; answer === 'taken' && tries < TRIES; tries += 1) {
    await pause(APART_MS);
    answer = await flock(descriptor);
  }
  if (answer === 'held') return { release: async () => closeSync(descriptor) };
  closeSync(descriptor);
  const gate = answer === 'taken' ? undefined : await listening(await abstractName(directory, name));
  if (gate !== undefined) return { release: () => closed(gate) };
  throw new Fault('NL-DAEMON-RUNS', taken);
}

const { O_RDWR, O_CREAT, O_NOFOLLOW, O_RDONLY, O_DIRECTORY } = constants;

function lockOf(directory: string, name: string): number {
  const path = `${directory}/${name}`;
  try {
    const descriptor = openSync(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
    const { uid, gid } = statSync(directory);
    // Made by root, it would keep the daemon's user out.
    if (process.geteuid?.() === 0 && fstatSync(descriptor).uid !== uid) fchownSync(descriptor, uid, gid);
    return descriptor;
  } catch (cause) {
    return unmadeLockOf(name === LOCK ? directory : undefined, path, cause);
  }
}

/** One that is there is the lock, also on a disk that is read-only here: another lock beside it would let two newleafs run. */
function unmadeLockOf(directory: string | undefined, path: string, cause: unknown): number {
  try {
    return openSync(path, O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    const isUnmade = (error as NodeJS.ErrnoException).code === 'ENOENT';
    // A directory is one lock, and that of the daemon.
    if (isUnmade && directory !== undefined) return openSync(directory, O_RDONLY | O_DIRECTORY);
    throw new Fault('NL-STATE-WRITE', { message: `The lock ${path} cannot be opened.`, cause });
  }
}

/** Whether a daemon holds it, as far as this user can see: false where there is none, or where it cannot be told. */
export async function isLocked(directory: string): Promise<boolean> {
  const path = `${directory}/${LOCK}`;
  let descriptor: number;
  try {
    descriptor = openSync(path, O_RDONLY | O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EACCES' ? isListed(path) : knocked(directory);
  }
  const answer = await flock(descriptor);
  closeSync(descriptor);
  return answer === 'impossible' ? knocked(directory) : answer === 'taken';
}

/** The kernel lists the locks of all processes that this one may see, with their inodes (proc_locks(5)). */
async function isListed(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  const locks = await readFile('/proc/locks', 'utf8').catch(() => '');
  return found !== undefined && new RegExp(`FLOCK .*:${found.ino} `).test(locks);
}

const knocked = async (directory: string): Promise<boolean> => {
  const name = await abstractName(directory).catch(() => undefined);
  return name !== undefined && (await knock(name)) === undefined;
};

/**
 * node has no flock(2). flock(1), of util-linux or busybox, locks the descriptor that it inherits; the lock belongs to the open
 * file, so this process has it when that program has ended.
 */
function flock(descriptor: number): Promise<'held' | 'taken' | 'impossible'> {
  const child = spawn('flock', ['-n', '3'], { stdio: ['ignore', 'ignore', 'pipe', descriptor], detached: true });
  // The `timeout` of spawn keeps a process that has no flock(1) alive for as long (Node 20.20).
  const limit = setTimeout(() => child.kill(), ANSWER_MS);
  let complaint = '';
  child.stderr?.on('data', (text) => {
    complaint += text;
  });
  return new Promise<'held' | 'taken' | 'impossible'>((resolve) => {
    child.on('error', () => resolve('impossible'));
    child.on('close', (code) => {
      // Both end with 1 where another has it; busybox does so for every error, too, but says which.
      const isTaken = code === 1 && complaint === '';
      resolve(code === 0 ? 'held' : isTaken ? 'taken' : 'impossible');
    });
  }).finally(() => clearTimeout(limit));
}

/** Node 20 pads an abstract name with NULs to the full length, Node 24 does not: a full-length name is the same for both. */
async function abstractName(directory: string, name = LOCK): Promise<string> {
  const path = `${await realpath(directory)}${name === LOCK ? '' : `/${name}`}`;
  return `\0newleaf:${createHash('sha512').update(path).digest('hex')}`.slice(0, NAME_BYTES);
}

/** Undefined where the name is taken. */
async function listening(name: string): Promise<Server | undefined> {
  const server = createServer((visitor) => visitor.destroy());
  server.unref();
  try {
    await listenAt(server, name, 0);
    return server.on('error', () => {});
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
