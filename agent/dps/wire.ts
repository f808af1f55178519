import { Fault } from '../failure/failure.ts';
import { type Fields, fields, fieldsIn, said } from '../mqtt/json.ts';
import type { Assignment } from '../roll/leaf.ts';
import { endedFailed, refusalOf } from './refusal.ts';

/** One status packet of DPS. `Fault` ends the attempt, and so does `assigned`. */
export type DpsAnswer = { readonly status: 'assigned'; readonly assignment: Assignment } | Assigning | Fault;

export interface Assigning {
  readonly status: 'assigning';
  readonly operationId: string;
  /** Pause before the next poll, in milliseconds. */
  readonly retryAfterMs: number;
}

/** The SDK's wait between two polls when DPS names none (azure-iot-provisioning-device 1.9.1, constants.js). */
const DEFAULT_POLL_MS = 2_000;
/** `retry-after=0` is a hot loop in the SDK; DPS answers 429 above 5 polls in 10 s, so only the first may follow sooner. */
const FIRST_POLL_MS = 100;
const LEAST_POLL_MS = 2_000;
/** DPS asks for seconds to minutes; more than a day is a mistake. */
const LONGEST_MS = 86_400_000;

/**
 * Reads a packet of `$dps/registrations/res/{status}/?$rid={id}&retry-after={seconds}`
 * (articles/iot/iot-mqtt-connect-to-iot-dps.md). Never throws.
 *
 * @param polling whether DPS has said `assigning` before: a 404 is then the operation that got lost, not the device
 * @returns undefined for a packet that is no status packet
 */
export function readDpsAnswer(topic: string, payload: string | Uint8Array, polling: boolean): DpsAnswer | undefined {
  const [, code, query] = TOPIC.exec(topic) ?? [];
  if (code === undefined || query === undefined) return undefined;
  const status = /^\d{3}$/.test(code) ? Number(code) : 0;
  // In small letters over the wire; the tests of Microsoft's C# SDK have "Retry-After".
  const [, retryAfter] = [...new URLSearchParams(query)].find(([name]) => name.toLowerCase() === 'retry-after') ?? [];
  return readStatus({ status, retryAfter, payload }, polling);
}

export interface Said {
  /** A status of HTTP. */
  readonly status: number;
  /** Text of `retry-after`. */
  readonly retryAfter: string | undefined;
  readonly payload: string | Uint8Array;
}

/** Reads an answer of DPS; its three parts mean the same over MQTT and HTTPS. Never throws. */
export function readStatus({ status, retryAfter, payload }: Said, polling: boolean): DpsAnswer {
  const wait = waitOf(retryAfter);
  const body = fieldsIn(payload);
  if (status === 404 && polling) return lost(body);
  if (status >= 400) return refusalOf(status, { ...body, cause: words(body), wait });
  if (status < 200 || status >= 300) return malformed(`status ${status}`);
  return result(body, wait, polling ? LEAST_POLL_MS : FIRST_POLL_MS);
}

/** The expression of the SDK, so that this reads every packet that the SDK takes for an answer. */
const TOPIC = /^\$dps\/registrations\/res\/(.*)\/\?(.*)$/;

/**
 * The `assigning` answer in a form that is safe for the SDK: it reads the body as ASCII (azure-iot-provisioning-device-mqtt
 * 1.8.1, mqtt.js: `payload.toString('ascii')`), so that one "¢" is a quotation mark and an uncaught SyntaxError, and it takes
 * `retry-after` for any result of `Number`, NaN among others.
 */
export function cleaned(topic: string, { operationId, retryAfterMs }: Assigning): { topic: string; payload: string } {
  const rid = requestOf(topic) ?? '';
  return {
    topic: `$dps/registrations/res/202/?$rid=${encodeURIComponent(rid)}&retry-after=${retryAfterMs / 1_000}`,
    payload: JSON.stringify({ operationId, status: 'assigning' }),
  };
}

/** An answer as the end of a registration: after `assigning` we stop polling, and ask again later. */
export function outcomeOf(answer: DpsAnswer): Assignment | Fault {
  if (answer instanceof Fault) return answer;
  if (answer.status === 'assigned') return answer.assignment;
  const { retryAfterMs } = answer;
  return new Fault('NL-DPS-TIMEOUT', { cause: `assigning, retry-after ${retryAfterMs / 1_000} s`, retryAfterMs });
}

/** The request that a packet of DPS answers; undefined where it names none, or two. */
export function requestOf(topic: string): string | undefined {
  const named = new URLSearchParams(TOPIC.exec(topic)?.[2]).getAll('$rid');
  return named.length === 1 ? named[0] : undefined;
}

function result(body: Fields, wait: number | undefined, leastMs: number): DpsAnswer {
  const state = fields(body.registrationState);
  const { errorCode, errorMessage: message = body.message } = state;
  switch (typeof body.status === 'string' ? body.status.toLowerCase() : undefined) {
    case 'assigned':
      return assigned(state);
    case 'assigning': {
      const { operationId } = body;
      // Without it the SDK would send the whole registration again.
      if (!isName(operationId)) return malformed('assigning, no operationId');
      return { status: 'assigning', operationId, retryAfterMs: Math.max(wait ?? DEFAULT_POLL_MS, leastMs) };
    }
    case 'failed':
      return endedFailed({ errorCode, message, cause: words({ errorCode, message }), wait });
    case 'disabled':
      return new Fault('NL-DPS-DISABLED', { cause: words({ errorCode, message }) });
    default:
      return malformed(typeof body.status === 'string' ? `status "${body.status}"` : 'no status');
  }
}

function assigned({ assignedHub: hub, deviceId, substatus }: Fields): DpsAnswer {
  if (typeof hub !== 'string' || !HUB.test(hub) || !URL.canParse(`mqtts://${hub}`))
    return malformed(`assigned to the hub ${JSON.stringify(hub)}`);
  if (typeof deviceId !== 'string' || !DEVICE_ID.test(deviceId))
    return malformed(`assigned as the device ${JSON.stringify(deviceId)}`);
  const assignment = { hub, deviceId, ...(typeof substatus === 'string' ? { substatus } : {}) };
  return { status: 'assigned', assignment };
}

/**
 * "A case-sensitive string (up to 128 characters long) of ASCII 7-bit alphanumeric characters plus certain special characters:
 * `- . % _ * ? ! ( ) , : = @ $ '`. The special characters `+ #` aren't supported"
 * (articles/iot-hub/iot-hub-devguide-identity-registry.md). In the user name of MQTT it stands between slashes unencoded, as
 * in every SDK; azure-iot-common 1.13.3 encodes it for a token. A slash or & would be more than a name there.
 */
const DEVICE_ID = /^[A-Za-z0-9\-.%_*?!(),:=@$']{1,128}$/;

/** An operation ID is printable ASCII without blanks. */
const isName = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]{1,256}$/.test(value);

/** RFC 1123 section 2.1 host name, with the port that a private endpoint or a test may need. */
const HUB = /^(?=.{1,253}(:|$))[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:[1-9]\d{0,4})?$/i;

/** The operation is unknown to DPS; the answer to a poll says nothing about the device. */
const lost = (body: Fields): Fault =>
  new Fault('NL-DPS-SERVER', { cause: words(body), message: 'DPS has lost the registration that it had begun (404).' });

const malformed = (cause: string): Fault => new Fault('NL-DPS-BODY', { cause });

/** The words of DPS. Microsoft's support asks for the tracking ID, so it stands before the part that may be cut off. */
function words({ errorCode, trackingId, message }: Fields): string | undefined {
  return (
    [said(errorCode), trackingId && `tracking ID ${said(trackingId)}`, said(message)].filter(Boolean).join(', ') ||
    undefined
  );
}

/** Seconds, perhaps with decimals; anything else counts as absent. In milliseconds, at most a day. */
function waitOf(seconds: string | undefined): number | undefined {
  if (seconds === undefined || !/^\d+(\.\d+)?$/.test(seconds)) return undefined;
  return Math.min(Math.round(Number(seconds) * 1_000), LONGEST_MS);
}
