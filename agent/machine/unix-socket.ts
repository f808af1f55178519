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
 * Makes the server listen on a unix socket.
 * @param mask the umask, which gives the socket its mode: libuv binds before listen() returns
 * @throws the error of listen(2)
 */
export function listenAt(server: Server, path: string, mask: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const umask = process.umask(mask);
    try {
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
}
