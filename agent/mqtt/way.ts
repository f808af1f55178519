import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Attempt } from './attempt.ts';

/** How one connection gets to the far side. It is used once. */
export interface Way {
  /** Where the host names none. */
  readonly port: number;
  /** The tap notes here what really happened. */
  readonly attempt: Attempt;
  /** A TCP connection to the far side, that of a proxy for example; without it the tap makes its own. */
  readonly socket?: Socket;
  /** Ends the attempt where it has no TCP connection yet: another way has one. */
  readonly overtaken?: AbortSignal;
  /** The stream of MQTT within the TLS connection, where it is not that connection itself. */
  readonly within?: (tls: Duplex, host: string) => Duplex;
}

/** MQTT over TLS (articles/iot/iot-mqtt-connect-to-iot-hub.md). */
export const MQTTS = 8883;

/**
 * In bytes. A hub sends 256 KiB at most (articles/iot-hub/iot-hub-devguide-quotas-throttling.md); mqtt-packet 6.10.0 gathers up
 * to 256 MiB, and ws 8.23.0 up to 100 MiB.
 */
export const LARGEST_PACKET = 1_048_576;

export const straight = (): Way => ({ port: MQTTS, attempt: { phase: 'tcp' } });

/** Makes one attempt to reach a host, over a second way where the first gives no answer. */
export type Reach = <T>(host: string, abort: AbortSignal, begin: (way: Way) => Promise<T>) => Promise<T>;

/** Always over a connection of the tap's own. */
export const straightly: Reach = (_host, _abort, begin) => begin(straight());
