import { ADR_FAULTS } from './adr/faults.ts';
import type { Log, RestName } from './log.ts';

type Kind = 'dps' | 'hub' | 'est' | 'arm';

/** What a fault may be told; each names in its meaning the ones it uses. */
export interface FaultOptions {
  /** Acts this often, then is gone. Left out: acts until it is lifted. */
  readonly times?: number;
  /** CONNACK code, TLS alert or DPS error code. */
  readonly code?: number;
  /** The status in the topic, or of HTTP. */
  readonly status?: number;
  /** Text of `retry-after`, as it goes over the wire; left out: none is sent. */
  readonly retryAfter?: string;
  /** Milliseconds. */
  readonly ms?: number;
  /** How much of a body is sent. */
  readonly bytes?: number;
  /** Messages in a second. */
  readonly rate?: number;
  /** The words in an error body, or what a message has in its body. */
  readonly message?: string;
  /** Another CN, or the only one that is meant. */
  readonly cn?: string;
  /** The only HTTP method that is meant. */
  readonly method?: string;
}

interface FaultEntry {
  readonly on: readonly Kind[];
  readonly means: string;
}

const everywhere = ['dps', 'hub', 'est'] as const;
const mqtt = ['dps', 'hub'] as const;

/** Every fault, listed once; the README's table says the same. */
export const FAULTS = {
  'port-closed': { on: everywhere, means: 'the port refuses connections, live ones are cut; lifted: open, same port' },
  reset: { on: everywhere, means: 'TCP reset right after accept' },
  silent: { on: everywhere, means: 'accepts TCP, then never says a word' },
  'slow-tls': { on: everywhere, means: 'answers the ClientHello `ms` later' },
  'untrusted-server': { on: everywhere, means: 'the server certificate is from an unknown CA' },
  'wrong-host': { on: everywhere, means: 'the server certificate is trusted, but for another name' },
  'tls-refuses-client': { on: everywhere, means: 'refuses the client certificate after the handshake, without alert' },
  'tls-alert': {
    on: everywhere,
    means:
      'OpenSSL verifies the client certificate in the handshake, and sends alert `code`: 48 unknown CA, 45 expired',
  },
  'tls-alert-early': { on: everywhere, means: 'answers the ClientHello with alert `code` (42: bad certificate)' },
  'websocket-status': {
    on: mqtt,
    means: 'answers the request for WebSockets with `status` (default 302, to a login page) and HTML',
  },
  'close-before-connack': { on: mqtt, means: 'closes when CONNECT comes in' },
  'no-connack': { on: mqtt, means: 'never answers CONNECT' },
  connack: { on: mqtt, means: 'answers CONNECT with `code` (1 to 5)' },
  'delay-connack': { on: mqtt, means: 'answers CONNECT `ms` later' },
  'accept-then-close': { on: mqtt, means: 'CONNACK 0, then closes `ms` later (quota, stolen session)' },
  'idle-end': { on: mqtt, means: 'ends a session in which there was no packet for `ms`' },
  'idle-drop': { on: mqtt, means: 'forgets such a session, and says nothing any more: TCP stays open' },
  'no-puback': { on: mqtt, means: 'takes PUBLISH of QoS 1, never sends PUBACK' },
  'no-suback': { on: mqtt, means: 'never answers SUBSCRIBE' },
  'no-pingresp': { on: mqtt, means: 'never answers PINGREQ' },
  'transient-5': {
    on: ['hub'],
    means: 'after each write of an identity CONNACK 5 for the next `times` connects, or for `ms`',
  },
  'delay-twin': { on: ['hub'], means: 'answers a twin read `ms` later' },
  'no-twin': { on: ['hub'], means: 'never answers a twin read' },
  'close-on-publish': { on: ['hub'], means: 'closes when telemetry comes in, and does not take it' },
  'quota-used': { on: ['hub'], means: 'closes at the first telemetry of each session, and does not take it' },
  poison: { on: ['hub'], means: 'closes when telemetry comes in that has `message` in its body, and does not take it' },
  'drop-puback': { on: ['hub'], means: 'takes telemetry of QoS 1, then closes before the PUBACK' },
  'puback-delay': { on: ['hub'], means: 'takes telemetry of QoS 1, and sends the PUBACK `ms` later' },
  throttle: {
    on: ['hub'],
    means:
      'takes `rate` telemetry a second (default 100), the rest later and later, with PUBACK; closes where it would be more than `ms` (default 10000)',
  },
  'twin-status': { on: ['hub'], means: 'answers twin reads and reported patches with `status`' },
  'register-status': { on: ['dps'], means: 'answers the registration with `status`, `code`, `message`, `retryAfter`' },
  'register-quota': {
    on: ['dps'],
    means: 'answers 429 to registrations beyond `rate` (default 1000) in `ms` (default 60000), with `retryAfter`',
  },
  'poll-status': { on: ['dps'], means: 'the same for the poll of the operation' },
  'empty-body': { on: ['dps'], means: 'answers 200 with an empty body' },
  'not-json': { on: ['dps'], means: 'answers 200 with HTML' },
  'no-status': { on: ['dps'], means: 'answers 200 with JSON that has no status' },
  'cut-body': { on: everywhere, means: 'sends the first `bytes` of an answer (hub: of a twin), and no more' },
  'challenge-status': { on: ['dps'], means: 'answers a TPM that asks for its challenge with `status`' },
  'challenge-corrupt': { on: ['dps'], means: 'damages the key of the challenge to a TPM' },
  'retry-after': { on: ['dps'], means: 'sends `retryAfter` in the 202 instead of the usual one (left out: none)' },
  'drop-before': { on: ['dps'], means: 'closes after the registration request, which has no effect' },
  'drop-after': { on: ['dps'], means: 'closes after the registration took effect: the answer is lost' },
  'no-answer': { on: ['dps'], means: 'never answers the registration request' },
  'drop-on-poll': { on: ['dps'], means: 'closes when the operation is polled' },
  'slow-assignment': { on: ['dps'], means: 'stays "assigning" for `ms` before the registration takes effect' },
  'allocation-failed': {
    on: ['dps'],
    means: 'ends "failed" with `code` and `message` (default 401001: no hub is linked)',
  },
  'rest-quota': {
    on: ['dps', 'hub'],
    means: 'answers 429 with Retry-After to REST requests beyond `rate` in `ms` (default 60000)',
  },
  'rest-status': {
    on: ['dps', 'hub', 'arm'],
    means: 'answers REST requests (only those of `method`, if given) with `status`, `code`, `message`, `retryAfter`',
  },
  'est-wait': { on: ['est'], means: '202 with Retry-After `retryAfter` (default 1)' },
  'est-status': {
    on: ['est'],
    means: 'answers enrolment (only that of `cn`, if given) with `status` (401, 403, 503 …) and `retryAfter`',
  },
  'est-garbage': { on: ['est'], means: 'answers 200 with something that is no PKCS#7' },
  'est-hang': { on: ['est'], means: 'never answers the request' },
  'est-cn': { on: ['est'], means: 'issues for another CN (`cn`)' },
  'est-eku': { on: ['est'], means: 'issues with serverAuth only' },
  'est-lifetime': { on: ['est'], means: 'issues for `ms`; negative: expired already' },
  'est-not-yet': { on: ['est'], means: 'issues a leaf that becomes valid in `ms`' },
  'est-weak': { on: ['est'], means: 'signs with SHA-1' },
  'est-key': { on: ['est'], means: 'issues for another public key' },
  ...ADR_FAULTS,
} as const satisfies Record<string, FaultEntry>;

export type FaultName = keyof typeof FAULTS;

interface Laid {
  readonly options: FaultOptions;
  left: number;
}

const kindOf = (server: RestName): Kind => (server === 'hub1' || server === 'hub2' ? 'hub' : server);

/** Faults laid over the default behaviour of each server, and taken by it where it would act otherwise. */
export class Faults {
  readonly #laid = new Map<string, Laid>();
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  /** Throws for a name that this server does not know. Laying the same fault again replaces it. */
  lay(server: RestName, name: FaultName, options: FaultOptions = {}): void {
    const entry: FaultEntry | undefined = FAULTS[name];
    if (!entry?.on.includes(kindOf(server))) throw new Error(`${server} knows no fault "${name}"`);
    this.#laid.set(`${server} ${name}`, { options, left: options.times ?? Number.POSITIVE_INFINITY });
  }

  /** Lifts one fault of a server, or all of them. */
  lift(server: RestName, name?: FaultName): void {
    for (const key of [...this.#laid.keys()]) {
      if (name === undefined ? key.startsWith(`${server} `) : key === `${server} ${name}`) this.#laid.delete(key);
    }
  }

  /** Whether the fault is laid; nothing is used up. */
  peek(server: RestName, name: FaultName): FaultOptions | undefined {
    return this.#laid.get(`${server} ${name}`)?.options;
  }

  /** The options of the fault if it acts now: uses it up once, and writes it to the log. */
  take(server: RestName, name: FaultName, connection?: number): FaultOptions | undefined {
    // Each message of a flood asks for several faults.
    if (this.#laid.size === 0) return undefined;
    const key = `${server} ${name}`;
    const laid = this.#laid.get(key);
    if (laid === undefined) return undefined;
    laid.left -= 1;
    if (laid.left <= 0) this.#laid.delete(key);
    this.#log.add(server, 'fault', { reason: name, ...(connection === undefined ? {} : { connection }) });
    return laid.options;
  }
}
