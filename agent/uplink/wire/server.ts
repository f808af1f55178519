import type { Log } from '../../machine/log.ts';
import type { Authenticate, ClientRules } from '../ports.ts';
import { ClientConnection } from './client-connection.ts';
import { WireContext } from './context.ts';
import { systemTimers, type Timers, WIRE_LIMITS, type WireLimits } from './limits.ts';
import { nameOf, openPlace, type Place } from './listener.ts';

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

/** The clients of a listener that only one program can reach: the file system has authenticated it. */
export const ofProgram =
  (program: string): Authenticate =>
  () =>
    program;

/**
 * An MQTT 3.1.1 server for the programs of the gateway. It knows nothing of hubs: the rules say what is to be done. It keeps
 * nothing: no retained messages, no subscriptions, no messages between clients.
 */
export class WireServer {
  readonly #context: WireContext;
  readonly #listeners = new Set<Listener>();

  constructor({ rules, log, limits, timers = systemTimers }: WireOptions) {
    this.#context = new WireContext(rules, { ...WIRE_LIMITS, ...limits }, timers, log);
  }

  /** Connections, with and without CONNECT. */
  get connections(): number {
    return this.#context.admission.size;
  }

  /** Its connections compete with one another for room until they have sent CONNECT. @throws Fault NL-UPLINK-SOCKET */
  async listen(place: Place, authenticate: Authenticate): Promise<Listener> {
    const { admission, sparing } = this.#context;
    const connections = new Set<ClientConnection>();
    const server = await openPlace(place, (socket) => {
      const connection: ClientConnection = new ClientConnection(socket, authenticate, this.#context, () =>
        connections.delete(connection),
      );
      connections.add(connection);
      admission.enter(connection, authenticate);
    });
    // Out of descriptors, for one: the next client may be luckier.
    server.on('error', (cause) => sparing.warn('uplink-socket', nameOf(place), 'it fails', cause.message));
    const address = server.address();
    const listener: Listener = {
      port: typeof address === 'object' ? address?.port : undefined,
      close: async () => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        for (const connection of connections) connection.dismiss('the listener is closed');
        await closed;
        this.#listeners.delete(listener);
      },
    };
    this.#listeners.add(listener);
    return listener;
  }

  /** Ends every listener and every connection. Wills are not published, either. */
  async close(): Promise<void> {
    await Promise.all([...this.#listeners].map((listener) => listener.close()));
  }
}
