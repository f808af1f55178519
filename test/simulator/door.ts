import { constants } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import * as tls from 'node:tls';
import { type Alert, AlertingServer } from './alert.ts';
import type { Identity } from './ca.ts';
import type { Faults } from './faults.ts';
import type { Log, ServerName } from './log.ts';
import { type Presented, presentedBy } from './presented.ts';
import type { Switches } from './switches.ts';

/** One connection, over TLS or in WebSockets over TLS: who is there, and the number the log has for it. */
export interface Caller {
  readonly socket: Duplex & { destroySoon(): void };
  readonly connection: number;
  /** Undefined where the client presented no certificate. */
  readonly presented: Presented | undefined;
}

export interface DoorOptions {
  readonly name: ServerName;
  readonly log: Log;
  readonly faults: Faults;
  readonly switches: Switches;
  readonly nextConnection: () => number;
  readonly onCaller: (caller: Caller) => void;
  readonly identity: Identity;
  /** From a CA that nobody trusts. */
  readonly untrusted: Identity;
  /** Trusted, but for another host name. */
  readonly wrongHost: Identity;
  /** PEM; the CA that the clients' leaves are from. */
  readonly clientRoot: string;
  /** Where it listens; 127.0.0.1 without it. */
  readonly address?: string | undefined;
}

const LOOPBACK = '127.0.0.1';
/** MQTT over TLS, where clients look for it that know a host and no port. */
export const MQTTS = 8883;
/** WebSockets and HTTPS: as in Azure, whoever has the one has the other. */
const HTTPS = 443;
const BAD_CERTIFICATE = 42;
const CERTIFICATE_EXPIRED = 45;
const UNKNOWN_CA = 48;

/** No certificate is asked for at first. An abbreviated renegotiation would never ask, so no session is resumed. */
const RENEGOTIATING = {
  requestCert: false,
  maxVersion: 'TLSv1.2',
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_SESSION_RESUMPTION_ON_RENEGOTIATION,
} as const;

/** A fatal alert in the clear (RFC 8446 section 6): record type 21, legacy version 3.3, length 2, level fatal. */
const alertRecord = (alert: number): Buffer => Buffer.from([21, 3, 3, 0, 2, 2, alert]);

/**
 * A TLS port on loopback. Any client certificate is accepted in the handshake and judged later, as both front ends of
 * Azure do. The port can be shut and opened again under the same number; faults of TCP and TLS act here.
 */
export class Door {
  readonly #options: DoorOptions;
  readonly #sockets = new Map<Socket, number>();
  readonly #tls: tls.Server;
  readonly #renegotiating: tls.Server;
  readonly #alerting = new Map<Alert, Promise<AlertingServer>>();
  readonly #servers: Server[] = [];
  #named: { readonly address: string; readonly tls: tls.Server } | undefined;
  #port = 0;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#tls = this.#secure(options.identity, (caller) => options.onCaller(caller));
    this.#renegotiating = this.#secure(options.identity, (caller) => options.onCaller(caller), RENEGOTIATING);
  }

  get port(): number {
    return this.#port;
  }

  /** Listens on its address; on the port it had, or the one given, or any; and on 443 beside 8883. */
  async open(port = this.#port): Promise<void> {
    if (this.#servers.length > 0) return;
    const { address = LOOPBACK } = this.#options;
    this.#port = await this.#listen(port, address);
    if (this.#port === MQTTS) await this.#listen(HTTPS, address);
    if (this.#named) await this.#listen(MQTTS, this.#named.address);
  }

  /** Listens on port 8883 of this address, too, from the next `open` on: Azure has both sides under one name. */
  alsoAt(address: string, identity: Identity): void {
    this.#named = { address, tls: this.#secure(identity, (caller) => this.#options.onCaller(caller)) };
  }

  async #listen(port: number, host: string): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => this.#admit(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, host, resolve);
    });
    this.#servers.push(server);
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Refuses connections from now on, and cuts the live ones. */
  async shut(): Promise<void> {
    const closed = this.#servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)));
    for (const socket of this.#sockets.keys()) socket.destroy();
    const alerting = [...this.#alerting.values()];
    this.#alerting.clear();
    await Promise.all([...closed, ...alerting.map(async (starting) => (await starting).stop())]);
  }

  #admit(socket: Socket): void {
    const { name, log, faults, nextConnection } = this.#options;
    const connection = nextConnection();
    this.#sockets.set(socket, connection);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    log.add(name, 'tcp', { connection });
    if (faults.take(name, 'reset', connection)) {
      socket.resetAndDestroy();
    } else if (faults.take(name, 'silent', connection)) {
      socket.resume();
    } else {
      const slow = faults.take(name, 'slow-tls', connection);
      if (slow === undefined) this.#flavour(socket, connection);
      // A socket that nobody reads yet keeps what comes.
      else setTimeout(() => this.#flavour(socket, connection), slow.ms ?? 1_000).unref();
    }
  }

  /** Which TLS the client meets. */
  #flavour(socket: Socket, connection: number): void {
    const { name, faults, identity, untrusted, wrongHost } = this.#options;
    const early = faults.take(name, 'tls-alert-early', connection);
    const alert = early ? undefined : faults.take(name, 'tls-alert', connection);
    if (early) {
      socket.once('data', () => socket.end(alertRecord(early.code ?? BAD_CERTIFICATE)));
    } else if (alert) {
      void this.#alert(socket, alert.code === CERTIFICATE_EXPIRED ? CERTIFICATE_EXPIRED : UNKNOWN_CA);
    } else if (faults.take(name, 'untrusted-server', connection)) {
      this.#turnAway(untrusted).emit('connection', socket);
    } else if (faults.take(name, 'wrong-host', connection)) {
      this.#turnAway(wrongHost).emit('connection', socket);
    } else if (faults.take(name, 'tls-refuses-client', connection)) {
      this.#turnAway(identity).emit('connection', socket);
    } else if (this.#options.switches.webSocketCertificate === 'renegotiation' && name !== 'est') {
      this.#renegotiating.emit('connection', socket);
    } else {
      const named = this.#named?.address === socket.localAddress ? this.#named : undefined;
      (named?.tls ?? this.#tls).emit('connection', socket);
    }
  }

  async #alert(socket: Socket, alert: Alert): Promise<void> {
    const { identity, clientRoot } = this.#options;
    const starting = this.#alerting.get(alert) ?? AlertingServer.start(identity, alert, clientRoot);
    this.#alerting.set(alert, starting);
    (await starting).take(socket);
  }

  /** Completes the handshake at most, then closes: nobody is let in. */
  #turnAway(identity: Identity): tls.Server {
    return this.#secure(identity, ({ socket }) => socket.destroy());
  }

  #secure({ key, cert }: Identity, onCaller: (caller: Caller) => void, more: tls.TlsOptions = {}): tls.Server {
    const { name, log } = this.#options;
    const server = tls.createServer({ key, cert, requestCert: true, rejectUnauthorized: false, ...more });
    server.on('secureConnection', (socket) => {
      // The TLS server does not tell which TCP socket is below; among live connections the client's port is unique.
      const raw = [...this.#sockets].find(([{ remotePort }]) => remotePort === socket.remotePort);
      const connection = raw?.[1] ?? 0;
      const presented = presentedBy(socket);
      const { thumbprint, chain } = presented ?? { thumbprint: '', chain: [] };
      log.add(name, 'tls', { connection, thumbprint, chain: chain.length });
      socket.on('error', () => socket.destroy());
      onCaller({ socket, connection, presented });
    });
    server.on('tlsClientError', (error, socket) => {
      log.add(name, 'tls-failed', { reason: error.message });
      socket.destroy();
    });
    return server;
  }
}
