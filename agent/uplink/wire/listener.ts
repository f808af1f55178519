import { once } from 'node:events';
import { createServer as createSockets, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { Fault } from '../../failure/failure.ts';
import { makePath } from '../../machine/make-path.ts';
import { clearSocket, listenAt } from '../../machine/unix-socket.ts';

/** Chain and key of a port, PEM. Another object where they are new. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

/** Where clients knock. */
export type Place =
  /** A unix socket that is made, with this mode. */
  | { readonly path: string; readonly mode: number }
  /** TLS 1.2 and 1.3. */
  | { readonly host: string; readonly port: number; readonly credentials: () => Credentials };

/** @throws Fault NL-UPLINK-SOCKET */
export async function openPlace(place: Place, accept: (socket: Duplex) => void): Promise<Server> {
  const secured = 'host' in place ? tlsWith(place.credentials) : undefined;
  const server = createSockets((socket) => {
    // Nagle's algorithm would hold back each PUBACK behind the one before.
    socket.setNoDelay(true);
    accept(secured?.(socket) ?? socket);
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

/** A handshake that fails or never ends is a connection without CONNECT, and ends as one. */
function tlsWith(credentials: () => Credentials): (raw: Socket) => Duplex {
  let shown: Credentials | undefined;
  let secureContext: SecureContext | undefined;
  return (raw) => {
    const current = credentials();
    // azure-iot-device of Python and old programs speak 1.2 only.
    if (current !== shown) secureContext = createSecureContext({ ...current, minVersion: 'TLSv1.2' });
    shown = current;
    raw.on('error', () => {});
    return new TLSSocket(raw, { isServer: true, secureContext });
  };
}

async function claim(server: Server, { path, mode }: { readonly path: string; readonly mode: number }): Promise<void> {
  await makePath(dirname(path));
  const inTheWay = await clearSocket(path);
  if (inTheWay !== undefined) {
    const what = inTheWay === 'answers' ? 'another process answers on it' : 'a file that is no socket is in its place';
    throw new Fault('NL-UPLINK-SOCKET', { message: `The socket ${path} cannot be opened: ${what}.` });
  }
  await listenAt(server, path, ~mode & 0o777);
}
