import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, isIPv6, type Socket } from 'node:net';
import { Fault } from '../failure/failure.ts';
import { type Attempt, isUnanswered } from '../mqtt/attempt.ts';
import { MQTTS, type Reach, type Way } from '../mqtt/way.ts';
import { limited } from '../time/limited.ts';
import { ALONE_MS, Beside } from './beside.ts';
import { type Known, learned, type Transport, waysTo } from './choice.ts';
import { isNamed } from './named.ts';
import { portal } from './portal.ts';
import type { ProxySettings } from './proxy.ts';
import { farOf, HTTPS, type Through } from './through.ts';

/** As the configuration names them. */
export interface NetworkSettings extends Omit<ProxySettings, 'proxy'> {
  readonly transport: Transport | 'auto';
  readonly proxy?: string | undefined;
  readonly no_proxy: readonly string[];
}

export interface NetworkOptions {
  readonly settings: NetworkSettings;
  /** Monotonic, in milliseconds. */
  readonly now: () => number;
  /** Called when port 8883 is found closed, and when it is open again. */
  readonly changed?: (transport: Transport) => void;
  /** Longest wait for a connection, in milliseconds. */
  readonly connectMs?: number;
  /** How long the first way goes alone while it has no answer, in milliseconds. */
  readonly aloneMs?: number;
}

/** As for a connection that the tap makes (dps/registration.ts, hub/session.ts). */
const CONNECT_MS = 30_000;
const PORTS: Readonly<Record<Transport, number>> = { mqtt: MQTTS, 'mqtt-ws': HTTPS };

/** The ways to the far side, by the settings and by what has worked. */
export class Network {
  readonly #options: NetworkOptions;
  /** Only in memory: a gateway may have moved to another network meanwhile. */
  #known: Known = {};

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** One attempt to reach DPS or a hub over MQTT, over a second way where the first one gives no answer. */
  readonly reach: Reach = async (host, abort, begin) => {
    const [first, second] = waysTo(host, this.#options.settings.transport, this.#known, this.#options.now());
    // TCP first: in an outage of all ways, the code for the second one is not even loaded.
    const other = second && new Beside((left) => this.#connected(host, PORTS[second], AbortSignal.any([abort, left])));
    const attempts: Partial<Record<Transport, Attempt>> = {};
    let way: Way | undefined;
    try {
      way = await this.#way(first, host, await this.proxied(host, PORTS[first], abort));
      attempts[first] = way.attempt;
      // Of a proxy there is a connection in any case: it says by itself where it does not get through.
      const overtaken = way.socket ? undefined : other?.watch(way.attempt, this.#options.aloneMs ?? ALONE_MS);
      return await begin({ ...way, ...(overtaken && { overtaken }) });
    } catch (error) {
      way?.socket?.destroy();
      if (second === undefined || abort.aborted || !isBlocked(error, way?.attempt)) throw error;
      const socket = await other?.take();
      abort.throwIfAborted();
      if (socket === undefined) throw error;
      const next = await this.#way(second, host, socket);
      attempts[second] = next.attempt;
      return await begin(next).catch((ended: unknown) => {
        socket.destroy();
        throw ended;
      });
    } finally {
      other?.leave();
      // A host with a port of its own says nothing about 8883.
      if (second !== undefined) {
        this.#learn(
          first,
          [first, second].find((one) => attempts[one]?.connack !== undefined),
        );
      }
    }
  };

  readonly through: Through = (connect) => (options, done) => {
    const far = farOf(options);
    this.proxied(far.host, far.port, options.signal).then(
      (socket) => done(null, connect({ ...far, ...(socket && { socket }) })),
      (error: Error) => done(error, undefined as never),
    );
    return undefined;
  };

  #learn(first: Transport, worked: Transport | undefined): void {
    const { closedAt } = this.#known;
    this.#known = learned(this.#known, first, worked, this.#options.now());
    const isClosed = this.#known.closedAt !== undefined;
    if (isClosed !== (closedAt !== undefined)) this.#options.changed?.(isClosed ? 'mqtt-ws' : 'mqtt');
  }

  /** A connection through the proxy; undefined where there is none for this host. @throws Fault NL-NETWORK-…, NL-CONFIG */
  readonly proxied = async (
    place: string,
    standard: number,
    abort = new AbortController().signal,
  ): Promise<Socket | undefined> => {
    const { proxy, no_proxy, ...credentials } = this.#options.settings;
    if (proxy === undefined || isNamed(place, no_proxy)) return undefined;
    const { tunnel } = await import('./proxy.ts');
    const { name, port } = hostAndPort(place, standard);
    const socket = await tunnel({ ...credentials, proxy }, name, port, abort, this.#options.connectMs);
    return patient(socket);
  };

  async #connected(place: string, standard: number, abort: AbortSignal): Promise<Socket> {
    const proxied = await this.proxied(place, standard, abort);
    if (proxied !== undefined) return proxied;
    const { name: host, port } = hostAndPort(place, standard);
    const socket = patient(connect({ host, port }));
    const signal = limited(abort, this.#options.connectMs ?? CONNECT_MS);
    try {
      await once(socket, 'connect', { signal });
      return socket;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  async #way(transport: Transport, host: string, socket: Socket | undefined): Promise<Way> {
    const attempt: Attempt = { phase: socket === undefined ? 'tcp' : 'tls' };
    const way = { port: PORTS[transport], attempt, ...(socket && { socket }) };
    if (transport === 'mqtt') return way;
    const { inWebSocket } = await import('./websocket.ts');
    const agreed = () => {
      attempt.phase = 'connack';
    };
    const refused = ({ statusCode = 0, headers }: IncomingMessage) => {
      attempt.error ??= portal(statusCode, headers, host) ?? noWebSocket(host, `HTTP ${statusCode}`);
    };
    // The tap has noted ws's error by then: it ends the TLS connection.
    const broken = (words: string) => {
      if (attempt.connack !== undefined || attempt.error instanceof Fault) return;
      attempt.error = noWebSocket(host, 'with something else', words);
    };
    return { ...way, within: (tls) => inWebSocket(tls, host, { agreed, refused, broken }) };
  }
}

/** For one question. */
export const networkOf = (settings: NetworkSettings): Network => new Network({ settings, now: () => 0 });

/** Name or address, and port. @param place `host` or `host:port`, or an IPv6 address as it is */
export function hostAndPort(place: string, standard: number): { readonly name: string; readonly port: number } {
  if (isIPv6(place)) return { name: place, port: standard };
  const { hostname, port } = new URL(`mqtts://${place}`);
  return { name: hostname.replace(/^\[|\]$/g, ''), port: Number(port || standard) };
}

/** A connection that breaks before it is used must not end the process. */
const patient = (socket: Socket): Socket => socket.on('error', () => {});

function isBlocked(error: unknown, attempt: Attempt | undefined): boolean {
  if (attempt !== undefined) return isUnanswered(attempt);
  return error instanceof Fault && error.failure.code === 'NL-NETWORK-PROXY-REFUSED';
}

/** @param words of ws */
function noWebSocket(host: string, answer: string, words?: string): Fault {
  const message = `${host} answers ${answer}, and does not go on with WebSockets.`;
  return new Fault('NL-NETWORK-WEBSOCKET', { message, cause: words });
}
