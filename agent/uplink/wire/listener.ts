import { once } from 'node:events';
import { createServer as createSockets, type Server } from 'node:net';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { Fault } from '../../failure/failure.ts';
import { makePath } from '../../machine/make-path.ts';
import { clearSocket, listenAt } from '../../machine/unix-socket.ts';
import { type Credentials, type Shake, TlsListener } from './tls-listener.ts';

/** Where clients knock. */
export type Place =
  /** A unix socket that is made, with this mode. */
  | { readonly path: string; readonly mode: number }
  /** TLS 1.2 and 1.3. */
  | { readonly host: string; readonly port: number; readonly credentials: () => Credentials };

/**
 * Opens a place.
 * @throws Fault NL-UPLINK-SOCKET
 */
export async function openPlace(place: Place, accept: (socket: Duplex) => void, shake: Shake): Promise<Server> {
  const door = 'host' in place ? new TlsListener(place.credentials, accept, shake) : undefined;
  const server = createSockets((socket) => {
    // Nagle's algorithm would hold back each PUBACK behind the one before.
    socket.setNoDelay(true);
    if (door === undefined) accept(socket);
    else door.knock(socket);
  });
  try {
    if ('path' in place) await claim(server, place);
    else {
      server.listen({ host: place.host, port: place.port });
      await once(server, 'listening');
    }
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault('NL-UPLINK-SOCKET', { message: `${nameOf(place)} cannot be opened.`, cause });
  }
  return server;
}

/** As it is called in a log. */
export const nameOf = (place: Place): string =>
  'path' in place ? `The socket ${place.path}` : `The port ${place.port} of ${place.host}`;

async function claim(server: Server, { path, mode }: { readonly path: string; readonly mode: number }): Promise<void> {
  await makePath(dirname(path));
  const inTheWay = await clearSocket(path);
  if (inTheWay !== undefined) {
    const what = inTheWay === 'answers' ? 'another process answers on it' : 'a file that is no socket is in its place';
    throw new Fault('NL-UPLINK-SOCKET', { message: `The socket ${path} cannot be opened: ${what}.` });
  }
  await listenAt(server, path, ~mode & 0o777);
}
