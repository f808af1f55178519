import { type After, later } from '../../time/after.ts';

const KIB = 1_024;

/** What one program, or a crowd of connections, may cost the gateway. */
export const WIRE_LIMITS = {
  /** Connections in all. */
  connections: 128,
  /** Of these, places for connections without CONNECT: the others can never take them. */
  forNewcomers: 16,
  /** Connections of one program. */
  perProgram: 16,
  /** Connections of one listener that have not sent CONNECT yet. */
  waiting: 64,
  /** Longest time from the connection to the end of CONNECT, TLS handshake included. */
  connectMs: 10_000,
  /** Longest packet before CONNECT is complete; a will has to fit in. A SAS makes it 0.5 KiB (facts of all Azure SDKs). */
  longestConnect: 4 * KIB,
  /**
   * Longest packet after it. A hub takes 256 KiB (articles/iot-hub/iot-hub-devguide-quotas-throttling.md); MQTT 3.1.1 section
   * 1.5.3: a topic has 64 KiB at most. Beside them: its length and the packet identifier.
   */
  longestPacket: (256 + 64) * KIB + 4,
  /** Requests of a client that are not answered yet: beyond, it is not read from. */
  unanswered: 64,
  /** The same in bytes of messages, for all clients of a program. */
  unansweredBytes: 1_024 * KIB,
  /** Filters in one SUBSCRIBE or UNSUBSCRIBE. */
  filters: 64,
  /** Bytes for a client that it has not read: beyond, it is closed. */
  backlog: 1_024 * KIB,
  /** Longest time for the last bytes to a client. */
  flushMs: 1_000,
};

export type WireLimits = Readonly<typeof WIRE_LIMITS>;

/** Time, as many connections need it: a timer of each that is cancelled without a promise, and so no Clock. */
export interface Timers {
  readonly after: After;
  /** Milliseconds since some moment. */
  monotonic(): number;
}

export const systemTimers: Timers = { after: later, monotonic: () => performance.now() };
