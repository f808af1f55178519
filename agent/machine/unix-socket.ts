import { once } from 'node:events';
import { lstat, unlink } from 'node:fs/promises';
import { connect, type Server } from 'node:net';

/** Asks whether a process listens on a unix socket. @returns undefined where one does, else the error of connect(2) */
export function knock(path: string): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const visitor = connect(path, () => {
      visitor.destroy();
      resolve(undefined);
    });
    visitor.once('error', resolve);
  });
}

/**
 * Removes the socket of a dead process. A socket that a process answers on stays, and so does a file that is no socket: a link
 * is one, wherever it leads.
 * @returns what stays, and is in the way
 * @throws the error of connect(2) or unlink(2)
 */
export async function clearSocket(path: string): Promise<'answers' | 'no socket' | undefined> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  // connect(2) answers ECONNREFUSED for a plain file, too.
  if (!found.isSocket()) return 'no socket';
  const dead = await knock(path);
  if (dead === undefined) return 'answers';
  if (dead.code !== 'ECONNREFUSED') throw dead;
  await unlink(path);
  return undefined;
}

/**
 * Makes the server listen on a unix socket.
 * @param mask the umask, which gives the socket its mode: libuv binds before listen() returns
 * @throws the error of listen(2)
 */
export async function listenAt(server: Server, path: string, mask: number): Promise<void> {
  const listening = once(server, 'listening');
  const umask = process.umask(mask);
  try {
    server.listen(path);
  } finally {
    process.umask(umask);
  }
  await listening;
}
