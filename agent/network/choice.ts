/** `mqtt` is MQTT over TLS on 8883, `mqtt-ws` MQTT in WebSockets on 443. */
export type Transport = 'mqtt' | 'mqtt-ws';

/** How long 443 goes first, in milliseconds, once 8883 gave no answer and 443 did. */
export const TRY_BACK_MS = 86_400_000;

/** What earlier attempts have shown. */
export interface Known {
  /** When 8883 gave no answer, and 443 a CONNACK; without it 8883 works, as far as is known. */
  readonly closedAt?: number | undefined;
  /** What went first in the last attempt, which got no CONNACK. */
  readonly failed?: Transport | undefined;
}

/**
 * The ways of one attempt, in their order: the second is tried where the first gives no answer.
 * @param setting network.transport
 * @param host one with a port has this port only
 */
export function waysTo(
  host: string,
  setting: Transport | 'auto',
  { closedAt, failed }: Known = {},
  now = 0,
): readonly [Transport, Transport?] {
  if (setting !== 'auto') return [setting];
  if (/:\d+$/.test(host)) return ['mqtt'];
  const isClosed = closedAt !== undefined && now - closedAt < TRY_BACK_MS;
  const isOver443 = failed === undefined ? isClosed : failed === 'mqtt';
  return isOver443 ? ['mqtt-ws', 'mqtt'] : ['mqtt', 'mqtt-ws'];
}

/**
 * What is known after an attempt. Where 443 once worked in place of 8883, the two take turns until one gets a CONNACK: whatever
 * stands in the one way (a proxy with HTTP 502, one that opens TLS) may leave the other alone. Where 8883 has never been
 * closed, a failure after its answer turns nothing: it would be told by the words of another port.
 * @param worked the way that got a CONNACK, of any code
 */
export function learned(known: Known, first: Transport, worked: Transport | undefined, now: number): Known {
  if (worked === 'mqtt') return {};
  if (worked === 'mqtt-ws') return first === 'mqtt' || known.failed !== undefined ? { closedAt: now } : known;
  return known.closedAt === undefined ? known : { ...known, failed: first };
}
