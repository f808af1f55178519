/** `mqtt` is MQTT over TLS on 8883, `mqtt-ws` MQTT in WebSockets on 443. */
export type Transport = 'mqtt' | 'mqtt-ws';

/** How long 443 goes first, in milliseconds, once 8883 gave no answer and 443 did. */
export const TRY_BACK_MS = 86_400_000;

/**
 * The ways of one attempt, in their order: the second is tried where the first gives no answer.
 * @param setting network.transport
 * @param host one with a port has this port only
 * @param closed how long ago 8883 was found closed, in milliseconds; undefined where it was not, or answers again
 */
export function waysTo(
  host: string,
  setting: Transport | 'auto',
  closed: number | undefined,
): readonly [Transport, Transport?] {
  if (setting !== 'auto') return [setting];
  if (/:\d+$/.test(host)) return ['mqtt'];
  return closed !== undefined && closed < TRY_BACK_MS ? ['mqtt-ws', 'mqtt'] : ['mqtt', 'mqtt-ws'];
}
