import { createHash } from 'node:crypto';
import { closeSync, constants, openSync } from 'node:fs';
import { readlink, realpath, rename, rm, symlink } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Fault } from '../failure/failure.ts';
import { knock, listenAt } from '../machine/unix-socket.ts';
import { makeDirectory } from './durable.ts';

export interface Lock {
  release(): Promise<void>;
}

/** In the state directory. While it is moved aside for a look, it has the name of a draft (durable.ts). */
const LOCK = 'lock';
const ASIDE = '.lock.new';
/** `sun_path` has 108 bytes (unix(7)). */
const NAME_BYTES = 108;
/** Another daemon that has just started has its lock by then, in milliseconds. */
const START_MS = 250;

/**
 * One daemon for a state directory. A unix socket in it is the lock: after the end of its process, however that came, the
 * socket does not answer. An abstract socket needs no file, and lets only one process at a time clean up after a dead one; but
 * any user of the machine could take it before us, so it decides only where the disk takes no socket, being full or read-only.
 * Makes a missing directory.
 * @param runtime $RUNTIME_DIRECTORY, in memory: there the socket wears out no flash when the daemon is started again and
 *   again, and a link in the state directory, which stays, leads to it
 * @throws Fault NL-DAEMON-RUNS; NL-STATE-WRITE where there is no directory
 */
export async function takeLock(directory: string, runtime?: string): Promise<Lock> {
  await makeDirectory(directory);
  const gate = await listening(await abstractName(directory));
  if (gate === undefined) await pause(START_MS);
  // By descriptor: the path of the directory may be too long for an address.
  const within = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  const place = `/proc/self/fd/${within}`;
  const near = () => hold(place);
  const held = await (runtime === undefined ? near() : holdFar(place, runtime).catch(near)).catch(() => gate);
  const release = async () => {
    await Promise.all([gate, held].map(closed));
    closeSync(within);
  };
  if (held !== undefined) return { release };
  await release();
  throw new Fault('NL-DAEMON-RUNS', { message: `Another newleaf already runs on ${directory}.` });
}

/** Whether a daemon holds it. For those who only ask: nothing is made or removed. */
export async function isLocked(directory: string): Promise<boolean> {
  const gate = await abstractName(directory).catch(() => undefined);
  const answers = [join(directory, LOCK), gate].map(async (path) => path !== undefined && !(await knock(path)));
  return (await Promise.all(answers)).includes(true);
}

/** Undefined where another has it. @throws the error of listen(2), where the disk takes no socket */
async function hold(within: string): Promise<Server | undefined> {
  const path = `${within}/${LOCK}`;
  const free = await listening(path);
  if (free !== undefined) return free;
  if (await isAnswered(path)) return undefined;
  return (await isRemoved(path, `${within}/${ASIDE}`)) ? listening(path) : undefined;
}

/**
 * Holds the one in the runtime directory, and has the link of the state directory lead to it. Undefined where another process
 * has either of them, also one that has replaced the link meanwhile.
 * @throws where there can be no socket, or no link
 */
async function holdFar(within: string, runtime: string): Promise<Server | undefined> {
  const [target, path] = [join(runtime, LOCK), `${within}/${LOCK}`];
  const far = await hold(runtime);
  if (far === undefined) return undefined;
  try {
    if (await leads(path, target)) return far;
    const isFree = !(await isAnswered(path)) && (await isCleared(path, `${within}/${ASIDE}`));
    if (isFree) await symlink(target, path);
    if (isFree) return far;
  } catch (error) {
    await closed(far);
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return undefined;
    throw error;
  }
  await closed(far);
  return undefined;
}

const leads = (path: string, target: string): Promise<boolean> =>
  readlink(path).then(
    (found) => found === target,
    () => false,
  );

/** As `isRemoved`; a missing one counts as removed. */
const isCleared = (path: string, aside: string): Promise<boolean> =>
  isRemoved(path, aside).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return true;
    throw error;
  });

/** Node 20 pads an abstract name with NULs to the full length, Node 24 does not: a full-length name is the same for both. */
async function abstractName(directory: string): Promise<string> {
  const path = await realpath(directory);
  return `\0newleaf:${createHash('sha512').update(path).digest('hex')}`.slice(0, NAME_BYTES);
}

/** Undefined where the place is taken. */
async function listening(path: string): Promise<Server | undefined> {
  const server = createServer((visitor) => visitor.destroy());
  server.unref();
  try {
    // All who may enter the directory may ask whether the lock is held: else the daemon could not clean up after root.
    await listenAt(server, path, 0);
    return server.on('error', () => {});
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

const closed = (server: Server | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (server?.listening === true) server.close(() => resolve());
    else resolve();
  });

/** connect(2): ECONNREFUSED without a listener, ENOENT where it has gone meanwhile. */
async function isAnswered(path: string): Promise<boolean> {
  const dead = await knock(path);
  return dead === undefined || (dead.code !== 'ECONNREFUSED' && dead.code !== 'ENOENT');
}

/** Removes a dead socket. Moved first, and asked again: another process may have put its own there since. */
async function isRemoved(path: string, aside: string): Promise<boolean> {
  await rename(path, aside);
  if (!(await isAnswered(aside))) {
    await rm(aside, { recursive: true });
    return true;
  }
  await rename(aside, path);
  return false;
}
