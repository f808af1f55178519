import type { AddressInfo, Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Log } from '../../machine/log.ts';
import type { Authenticate, ClientRules } from '../ports.ts';
import { ClientConnection } from './client-connection.ts';
import { WireContext } from './context.ts';
import { systemTimers, type Timers, WIRE_LIMITS, type WireLimits } from './limits.ts';
import { nameOf, openPlace, type Place } from './listener.ts';
import type { Shake } from './tls-listener.ts';

interface WireOptions {
  readonly rules: ClientRules;
  readonly log: Log;
  readonly limits?: Partial<WireLimits>;
  /** For tests. */
  readonly timers?: Timers;
}

export interface Listener {
  /** The port that was taken, where 0 was asked for. */
  readonly port: number | undefined;
  /** Ends its connections, and removes the socket that it has made. No will is published: it is not the client that fails. */
  close(): Promise<void>;
}

/**
 * An MQTT 3.1.1 server for the programs of the gateway. It knows nothing of hubs: the rules say what is to be done. It keeps
 * nothing: no retained messages, no subscriptions, no messages between clients.
 */
export interface WireServer {
  /** Connections, with and without CONNECT. */
  readonly connections: number;
  /** Its connections compete with one another for room until they have sent CONNECT. @throws Fault NL-UPLINK-SOCKET */
  listen(place: Place, authenticate: Authenticate): Promise<Listener>;
  /** Ends every listener and every connection. Wills are not published, either. */
  close(): Promise<void>;
}

/** The clients of a listener that only one program can reach: the file system has authenticated it. */
export const ofProgram =
  (program: string): Authenticate =>
  () =>
    program;

export function createServer({ rules, log, limits, timers = systemTimers }: WireOptions): WireServer {
  const context = new WireContext(rules, { ...WIRE_LIMITS, ...limits }, timers, log);
  const connections = new Set<ClientConnection>();
  const listeners = new Set<Listener>();
  let isClosing = false;
  let emptied = (): void => {};

  /** @param own those of one listener */
  const serve = (socket: Duplex, authenticate: Authenticate, own: Set<ClientConnection>): void => {
    const connection: ClientConnection = new ClientConnection(socket, authenticate, context, () => {
      connections.delete(connection);
      own.delete(connection);
      if (connections.size === 0) emptied();
    });
    connections.add(connection);
    own.add(connection);
    context.admission.enter(connection, authenticate);
    if (isClosing) connection.drop('newleaf ends');
  };

  return {
    get connections() {
      return context.admission.size;
    },
    async listen(place, authenticate) {
      const own = new Set<ClientConnection>();
      const shaking = new Set<Socket>();
      const shake: Shake = (socket) => {
        const member = { crowdedOut: () => void socket.destroy() };
        shaking.add(socket);
        context.admission.enter(member, authenticate);
        return () => {
          shaking.delete(socket);
          context.admission.leave(member);
        };
      };
      const server = await openPlace(place, (socket) => serve(socket, authenticate, own), shake);
      // Out of descriptors, for one: the next client may be luckier.
      server.on('error', (cause) => context.sparing.warn('uplink-socket', nameOf(place), 'it fails', cause.message));
      const listener = {
        port: portOf(server),
        async close() {
          listeners.delete(listener);
          const closed = new Promise<void>((resolve) => server.close(() => resolve()));
          for (const socket of shaking) socket.destroy();
          for (const connection of own) connection.dismiss('the listener is closed');
          await closed;
        },
      };
      listeners.add(listener);
      return listener;
    },
    async close() {
      isClosing = true;
      const closed = [...listeners].map((listener) => listener.close());
      const empty = new Promise<void>((resolve) => {
        emptied = resolve;
      });
      for (const connection of connections) connection.dismiss('newleaf ends');
      if (connections.size === 0) emptied();
      await Promise.all([...closed, empty]);
    },
  };
}

function portOf(server: Server): number | undefined {
  const address = server.address() as AddressInfo | string | null;
  return typeof address === 'object' ? address?.port : undefined;
}
