import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTls, type Server } from 'node:tls';

/** Notes a connection that begins a TLS handshake: it has a socket, but no client yet. @returns what notes its end */
export type Shake = (socket: Socket) => () => void;

/** Chain and key of the listener, PEM. Another object where they are new. */
export interface Credentials {
  readonly cert: string;
  readonly key: string;
}

/** azure-iot-device of Python and old programs speak 1.2 only. */
const OLDEST = { minVersion: 'TLSv1.2' } as const;
/** As long as a client has for CONNECT, afterwards. */
const HANDSHAKE_MS = 10_000;

/** Where TCP connections become TLS connections. */
export class TlsListener {
  readonly #credentials: () => Credentials;
  readonly #shake: Shake;
  readonly #server: Server;
  /** What ends each handshake, by the far end's address and port: these tell which connection has become a TLS connection. */
  readonly #shaking = new Map<string, () => void>();
  #current: Credentials;

  constructor(credentials: () => Credentials, accept: (socket: Duplex) => void, shake: Shake) {
    this.#credentials = credentials;
    this.#shake = shake;
    this.#current = credentials();
    this.#server = createTls({ ...this.#current, ...OLDEST, handshakeTimeout: HANDSHAKE_MS }, (secure) => {
      const end = this.#shaking.get(endOf(secure));
      end?.();
      if (end === undefined) secure.destroy();
      else accept(secure);
    });
    this.#server.on('tlsClientError', (_, secure) => secure.destroy());
  }

  knock(raw: Socket): void {
    const credentials = this.#credentials();
    if (credentials !== this.#current) {
      this.#current = credentials;
      this.#server.setSecureContext({ ...credentials, ...OLDEST });
    }
    const far = endOf(raw);
    const shaken = this.#shake(raw);
    const end = () => {
      if (this.#shaking.get(far) === end) this.#shaking.delete(far);
      shaken();
    };
    this.#shaking.set(far, end);
    raw.on('error', () => {});
    raw.once('close', end);
    // node:tls: "This event can also be explicitly emitted by users to inject connections into the TLS server."
    this.#server.emit('connection', raw);
  }
}

const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
