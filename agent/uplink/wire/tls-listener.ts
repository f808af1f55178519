import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTls, type Server } from 'node:tls';

/** Connections on their way through a TLS handshake: these have a socket, but no client yet. */
export interface Handshakes {
  enter(socket: Socket): void;
  leave(socket: Socket): void;
}

/** Chain and key of the listener, PEM. Another object where they are new. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

/** azure-iot-device of Python and old programs speak 1.2 only. */
const OLDEST = { minVersion: 'TLSv1.2' } as const;
/** As long as a client has for CONNECT, afterwards. */
const HANDSHAKE_MS = 10_000;

/** Where TCP connections become TLS connections. The far end's address and port tell which one has become one. */
export class TlsListener {
  readonly #credentials: () => Credentials;
  readonly #shakes: Handshakes;
  readonly #server: Server;
  readonly #shaking = new Map<string, Socket>();
  #current: Credentials;

  constructor(credentials: () => Credentials, accept: (socket: Duplex) => void, shakes: Handshakes) {
    this.#credentials = credentials;
    this.#shakes = shakes;
    this.#current = credentials();
    this.#server = createTls({ ...this.#current, ...OLDEST, handshakeTimeout: HANDSHAKE_MS }, (secure) => {
      const raw = this.#forget(endOf(secure));
      if (raw === undefined) secure.destroy();
      else {
        shakes.leave(raw);
        accept(secure);
      }
    });
    this.#server.on('tlsClientError', (_, secure) => secure.destroy());
  }

  knock(raw: Socket): void {
    const credentials = this.#credentials();
    if (credentials !== this.#current) {
      this.#current = credentials;
      this.#server.setSecureContext({ ...credentials, ...OLDEST });
    }
    const end = endOf(raw);
    raw.on('error', () => {});
    raw.once('close', () => {
      if (this.#shaking.get(end) === raw) this.#forget(end);
      this.#shakes.leave(raw);
    });
    this.#shakes.enter(raw);
    this.#shaking.set(end, raw);
    // node:tls: "This event can also be explicitly emitted by users to inject connections into the TLS server."
    this.#server.emit('connection', raw);
  }

  #forget(end: string): Socket | undefined {
    const raw = this.#shaking.get(end);
    this.#shaking.delete(end);
    return raw;
  }
}

const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
