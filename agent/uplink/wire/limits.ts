import { type After, later } from '../../time/after.ts';

/** What one program, or a crowd of connections, may cost the gateway. */
export interface WireLimits {
  /** Connections in all. */
  readonly connections: number;
  /** Of these, places for connections without CONNECT: the others can never take them. */
  readonly forNewcomers: number;
  /** Connections of one program. */
  readonly perProgram: number;
  /** Connections of one listener that have not sent CONNECT yet. */
  readonly waiting: number;
  /** Longest time from the connection to the end of CONNECT, TLS handshake included. */
  readonly connectMs: number;
  /** Longest packet before CONNECT is complete; CONNECT with a will has to fit in, too. */
  readonly longestConnect: number;
  /** Longest packet after it. */
  readonly longestPacket: number;
  /** Requests of a client that are not answered yet: beyond, it is not read from. */
  readonly unanswered: number;
  /** The same in bytes of messages, for all clients of a program. */
  readonly unansweredBytes: number;
  /** Filters in one SUBSCRIBE or UNSUBSCRIBE. */
  readonly filters: number;
  /** Bytes for a client that it has not read: beyond, it is closed. */
  readonly backlog: number;
  /** Longest time for the last bytes to a client. */
  readonly flushMs: number;
}

const KIB = 1_024;

export const WIRE_LIMITS: WireLimits = {
  connections: 128,
  forNewcomers: 16,
  perProgram: 16,
  waiting: 64,
  connectMs: 10_000,
  // A SAS makes it 0.5 KiB (facts of all Azure SDKs); a name and a key less.
  longestConnect: 4 * KIB,
  // A hub takes 256 KiB (articles/iot-hub/iot-hub-devguide-quotas-throttling.md); MQTT 3.1.1 section 1.5.3: a topic has 64 KiB
  // at most. Beside them: its length and the packet identifier.
  longestPacket: (256 + 64) * KIB + 4,
  unanswered: 64,
  unansweredBytes: 1_024 * KIB,
  filters: 64,
  backlog: 1_024 * KIB,
  flushMs: 1_000,
};

/** Time, as many connections need it: a timer of each that is cancelled without a promise, and so no Clock. */
export interface Timers {
  readonly after: After;
  /** Milliseconds since some moment. */
  monotonic(): number;
}

export const systemTimers: Timers = { after: later, monotonic: () => performance.now() };
