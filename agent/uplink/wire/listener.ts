import { mkdir } from 'node:fs/promises';
import { createServer as createSockets, type Server } from 'node:net';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { Fault } from '../../failure/failure.ts';
import { clearSocket, listenAt } from '../../machine/unix-socket.ts';
import { type Credentials, type Handshakes, TlsListener } from './tls-listener.ts';

/** Where clients knock. */
export type Place =
  /** A unix socket that is made, with this mode. */
  | { readonly path: string; readonly mode: number }
  /** A listening socket that systemd has made. */
  | { readonly fd: number }
  /** TLS 1.2 and 1.3. */
  | { readonly host: string; readonly port: number; readonly credentials: () => Credentials };

/**
 * Opens a place.
 * @throws Fault NL-UPLINK-SOCKET
 */
export async function openPlace(place: Place, accept: (socket: Duplex) => void, shakes: Handshakes): Promise<Server> {
  const door = 'host' in place ? new TlsListener(place.credentials, accept, shakes) : undefined;
  const server = createSockets((socket) => {
    // Nagle's algorithm would hold back each PUBACK behind the one before.
    socket.setNoDelay(true);
    if (door === undefined) accept(socket);
    else door.knock(socket);
  });
  try {
    if ('path' in place) await claim(server, place);
    else await listening(server, place);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('NL-UPLINK-SOCKET', { message: `${nameOf(place)} cannot be opened.`, cause });
  }
  return server;
}

/** As it is called in a log. */
export function nameOf(place: Place): string {
  if ('path' in place) return `The socket ${place.path}`;
  return 'fd' in place ? `The socket of descriptor ${place.fd}` : `The port ${place.port} of ${place.host}`;
}

async function claim(server: Server, { path, mode }: { readonly path: string; readonly mode: number }): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const inTheWay = await clearSocket(path);
  if (inTheWay !== undefined) {
    const what = inTheWay === 'answers' ? 'another process answers on it' : 'a file that is no socket is in its place';
    throw new Fault('NL-UPLINK-SOCKET', { message: `The socket ${path} cannot be opened: ${what}.` });
  }
  await listenAt(server, path, ~mode & 0o777);
}

function listening(server: Server, where: { readonly fd: number } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const done = () => {
      server.off('error', reject);
      resolve();
    };
    if ('fd' in where) server.listen({ fd: where.fd }, done);
    else server.listen({ host: where.host, port: where.port }, done);
  });
}
