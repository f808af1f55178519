import { MqttBase } from 'azure-iot-mqtt-base';
import { Mqtt } from 'azure-iot-provisioning-device-mqtt';
import type { TlsConnector } from '../../hsm/connector.ts';
import { Fault } from '../failure/failure.ts';
import { Tap } from '../mqtt/tap.ts';
import type { Reach, Way } from '../mqtt/way.ts';
import type { Assignment } from '../roll/leaf.ts';
import type { Dps } from '../roll/ports.ts';
import { clientFor, DEADLINE_MS, type DpsTerms, dpsBy, stopTimers } from './client.ts';
import { dpsLinkFault } from './refusal.ts';
import { cleaned, outcomeOf, readDpsAnswer, requestOf } from './wire.ts';

export interface DpsOptions extends DpsTerms {
  /** Longest time from dialling to CONNACK, in milliseconds. */
  readonly connectMs?: number;
  readonly reach?: Reach;
  /** Gets the topic of each message that answers no request. */
  readonly dropped?: (topic: string) => void;
}

const NO_ANSWER = 'DPS took the request, and did not answer it within 30 s';

const ASKED = /^\$dps\/registrations\/(?:PUT|GET)\/.*\?\$rid=([^&]+)/;

/**
 * Registers leaves with DPS. One call is one connection and one registration request: azure-iot-provisioning-device 1.9.1
 * polls, but this reads every end of a registration before the SDK sees it. Left alone, the SDK repeats the request for ever
 * on 429 and 5xx, throws uncaught on an empty body, and never settles without UNSUBACK.
 *
 * @throws Fault NL-DPS-*; what `connectorFor` or the token throws; the reason of the abort signal
 */
export const createDps = (options: DpsOptions): Dps =>
  dpsBy(options, (connector, way) => request(options, connector, way), options.reach);

function request(options: DpsOptions, connector: TlsConnector, way: Way) {
  const { endpoint: host, registrationId, connectMs = 30_000, deadlineMs = DEADLINE_MS, dropped } = options;
  let asked: string | undefined;
  let polling = false;
  let last: Assignment | Error | undefined;
  const tap = new Tap({
    host,
    way,
    connector,
    connectMs,
    sent({ topic }) {
      asked = ASKED.exec(topic)?.[1] ?? asked;
    },
    admit(packet) {
      const isAnswer = asked !== undefined && requestOf(packet.topic) === asked;
      const answer = isAnswer ? readDpsAnswer(packet.topic, packet.payload, polling) : undefined;
      if (answer === undefined) {
        dropped?.(packet.topic);
        return false;
      }
      if (!(answer instanceof Fault) && answer.status === 'assigning' && answer.retryAfterMs < deadlineMs) {
        polling = true;
        Object.assign(packet, cleaned(packet.topic, answer));
        return true;
      }
      last = outcomeOf(answer);
      tap.end();
      return false;
    },
  });

  const base = new MqttBase(tap);
  const transport = new Mqtt(base);
  // azure-iot-provisioning-device-mqtt 1.8.1 turns a drop into an 'error' without a listener, and one before the PUBACK into
  // an uncaught TypeError, "callback is not a function" (mqtt.js). The tap reports a drop.
  base.removeAllListeners('error').on('error', () => {});
  const client = clientFor(options, transport, {
    getRegistrationId: () => registrationId,
    getCertificate: (callback) => callback(undefined, { cert: 'unused', key: 'unused' }),
  });
  // It never fulfils: the tap keeps the final answer from the SDK, and has the better reason for each error.
  client.register()?.catch(() => tap.end());

  const assignment = tap.closed.then(() => {
    stopTimers(client);
    // The SDK hangs up, and then says why, after 30 s without an answer to one request: all other answers the tap keeps from it.
    last ??= tap.isLeft ? new Fault('NL-DPS-TIMEOUT', { cause: NO_ANSWER }) : dpsLinkFault(tap.attempt);
    if (last instanceof Error) throw last;
    return last;
  });
  return { assignment, end: () => tap.end() };
}
