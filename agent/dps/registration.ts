import { MqttBase } from 'azure-iot-mqtt-base';
import { Mqtt } from 'azure-iot-provisioning-device-mqtt';
import type { TlsConnector } from '../../hsm/connector.ts';
import { Fault } from '../failure/failure.ts';
import { fields, fieldsIn } from '../mqtt/json.ts';
import { Tap } from '../mqtt/tap.ts';
import type { Reach, Way } from '../mqtt/way.ts';
import type { Assignment } from '../roll/leaf.ts';
import type { Dps } from '../roll/ports.ts';
import { clientFor, DEADLINE_MS, type DpsTerms, dpsBy, type Registering, registration, stopTimers } from './client.ts';
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

const REGISTER = '$dps/registrations/PUT/';
const ASKED = /^\$dps\/registrations\/(?:PUT|GET)\/.*\?\$rid=([^&]+)/;

/**
 * Registers leaves with DPS. One call is one connection and one registration request: azure-iot-provisioning-device 1.9.1
 * polls, but this reads every end of a registration before the SDK sees it. Left alone, the SDK repeats the request for ever
 * on 429 and 5xx, throws uncaught on an empty body, and never settles without UNSUBACK.
 *
 * @throws Fault NL-DPS-*; what `connectorFor` or the token throws; the reason of the abort signal
 */
export const createDps = (options: DpsOptions): Dps =>
  dpsBy(options, (...link) => request(options, ...link), options.reach);

/** What else a registration has where Azure issues the leaves. */
export interface Issuing {
  /** In place of the one of the SDK, which knows no `csr`. */
  readonly apiVersion: string;
  /** PKCS#10, DER in base64. Without it DPS issues nothing. */
  readonly csr?: string;
  /** Called when the request is on its way: from here on DPS may issue a leaf. */
  readonly asked?: () => void;
  /** Reads `registrationState` of an assignment; what it throws ends the registration. */
  readonly read: (state: Readonly<Record<string, unknown>>) => void;
}

/** The same, with an identity that is not a leaf of ours, and perhaps with a CSR. */
export const registerAs = (
  options: Omit<DpsOptions, 'connectorFor'>,
  issuing: Issuing,
  connecting: Promise<TlsConnector>,
  abort: AbortSignal,
): Promise<Assignment> =>
  registration(options, connecting, (...link) => request(options, ...link, issuing), abort, options.reach);

function request(
  options: Omit<DpsOptions, 'connectorFor'>,
  connector: TlsConnector,
  way: Way,
  issuing?: Issuing,
): Registering<Assignment> {
  const { endpoint: host, registrationId, connectMs = 30_000, deadlineMs = DEADLINE_MS, dropped } = options;
  let asked: string | undefined;
  let polling = false;
  let last: Assignment | Error | undefined;
  const tap = new Tap({
    host,
    way,
    connector,
    connectMs,
    ...(issuing && { apiVersion: issuing.apiVersion }),
    sent(packet) {
      asked = ASKED.exec(packet.topic)?.[1] ?? asked;
      if (issuing !== undefined && packet.topic.startsWith(REGISTER)) certify(packet, issuing);
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
      if (issuing !== undefined && !(last instanceof Error)) last = read(issuing, packet.payload) ?? last;
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

  const outcome = tap.closed.then(() => {
    stopTimers(client);
    // The SDK hangs up, and then says why, after 30 s without an answer to one request: all other answers the tap keeps from it.
    last ??= tap.isLeft ? new Fault('NL-DPS-TIMEOUT', { cause: NO_ANSWER }) : dpsLinkFault(tap.attempt);
    if (last instanceof Error) throw last;
    return last;
  });
  return { outcome, end: () => tap.end() };
}

/** The SDK knows no `csr` (azure-iot-provisioning-device-mqtt 1.8.1, mqtt.js: registrationId and payload only). */
function certify(packet: { payload: string | Uint8Array }, { csr, asked }: Issuing): void {
  if (csr !== undefined) packet.payload = JSON.stringify({ ...fieldsIn(packet.payload), csr });
  asked?.();
}

function read({ read }: Issuing, payload: string | Uint8Array): Error | undefined {
  try {
    read(fields(fieldsIn(payload).registrationState));
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
