import { type Code, Fault } from '../failure/failure.ts';
import { type Attempt, endingFault, type LinkEnd } from '../mqtt/attempt.ts';
import { said } from '../mqtt/json.ts';

/** A refusal by DPS, as far as its numbers and words were read. */
export interface No {
  /** Six digits that begin with a status of HTTP: 401002, 404201, 409203. Anything else is not a number. */
  readonly errorCode?: unknown;
  readonly message?: unknown;
  readonly cause: string | undefined;
  /** The wait that DPS asks for, in milliseconds. */
  readonly wait: number | undefined;
}

/** A person must change the linked hubs, the allocation function or the configuration first. */
const PERSON_MS = 300_000;

/**
 * 400208 no hub linked, 400209 DPS not authorised at the hub (azure-iot-sdk-c, prov_device_ll_client.c), 400207 the
 * allocation function; 401001 "IoTHub not found.": no hub linked, as Microsoft's own live tests measured it
 * (azure-iot-cli-extension, tests/dps/device_registration, unlinked hub). It begins like a refusal of the leaf.
 */
const ALLOCATION: ReadonlySet<unknown> = new Set([400_207, 400_208, 400_209, 401_001]);

/**
 * Texts about the hub or the allocation function under the number of a refused leaf: 401002 with "IotHubUnauthorizedAccess"
 * (azure-iot-sdk-csharp issues 347 and 907), the body of the hub's own error in the message (azure-iot-sdk-c issue 2362),
 * "Custom allocation failed with status code: 404" (azure-docs issue 48511).
 */
const NOT_THE_LEAF = /IotHub(Unauthorized|NotFound)|IotHub not found|\bErrorCode:|custom allocation/i;

const BY_STATUS: Readonly<Record<number, Code>> = {
  401: 'NL-DPS-401002',
  404: 'NL-DPS-404201',
  // DPS no longer speaks the request itself, so asking again is useless.
  405: 'NL-DPS-REFUSED',
  408: 'NL-DPS-TIMEOUT',
  409: 'NL-DPS-CONFLICT',
  // An etag that changed under DPS: another write of the same record.
  412: 'NL-DPS-CONFLICT',
  415: 'NL-DPS-REFUSED',
  429: 'NL-DPS-THROTTLED',
};

/**
 * The answer itself is a refusal: `res/401`. A 4xx that speaks neither of the leaf nor of the registration ID counts as a
 * passing fault: otherwise one glitch of the far side would silence a gateway for an hour.
 */
export function refusalOf(status: number, no: No): Fault {
  return isAllocation(no) ? unassigned(no) : by(status, no);
}

/**
 * The registration ended "failed", with the number in registrationState. DPS took the leaf for an enrolled one before it
 * began, so an unknown number, or none, is about the later step: the allocation.
 */
export function endedFailed(no: No): Fault {
  const { errorCode } = no;
  const status = typeof errorCode === 'number' ? Number(String(errorCode).slice(0, 3)) : 0;
  const known = status >= 500 || BY_STATUS[status] !== undefined;
  return known && !isAllocation(no) ? by(status, no) : unassigned(no);
}

const isAllocation = ({ errorCode, message }: No): boolean =>
  ALLOCATION.has(errorCode) || NOT_THE_LEAF.test(said(message));

const unassigned = ({ cause, wait = 0 }: No): Fault =>
  new Fault('NL-DPS-ALLOCATION', { cause, retryAfterMs: Math.max(wait, PERSON_MS) });

/** DPS has seen no verified CA above the leaf (azure-iot-sdk-java issues 203 and 573): all else may be enrolled, and enabled. */
const UNVERIFIED = {
  message:
    'DPS does not accept this leaf: neither it nor its issuer is enrolled, or no CA above it is verified in DPS.',
  advice:
    'Operator: is its issuer enrolled? Then upload and verify the root above it in DPS. Else enroll the leaf or its issuer (`newleaf status` prints the thumbprint). Then `newleaf reprovision`.',
};

function by(status: number, { message, cause, wait }: No): Fault {
  const code = BY_STATUS[status] ?? (status >= 500 ? 'NL-DPS-SERVER' : 'NL-DPS-OTHER');
  const retryAfterMs = code === 'NL-DPS-OTHER' ? Math.max(wait ?? 0, PERSON_MS) : wait;
  const words = /CA certificate not found/i.test(said(message)) ? UNVERIFIED : {};
  return new Fault(code, { ...words, cause, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
}

const LINK_CODES: Readonly<Record<LinkEnd, Code>> = {
  rejected: 'NL-DPS-REJECTED',
  unsupported: 'NL-DPS-SERVER',
  // A wrong ID scope is answered with CONNACK 3, too (azure-iot-sdk-python issue 670).
  unavailable: 'NL-DPS-SCOPE',
  untrusted: 'NL-DPS-UNTRUSTED',
  unreachable: 'NL-DPS-UNREACHABLE',
  closed: 'NL-DPS-UNREACHABLE',
  dropped: 'NL-DPS-UNREACHABLE',
};

const LINK_MESSAGES: Partial<Record<LinkEnd, string>> = {
  unsupported: 'DPS does not speak MQTT 3.1.1 with us (CONNACK 1).',
  closed: 'DPS ended the connection before it said anything about the leaf (no CONNACK).',
  dropped: 'The connection to DPS ended before the registration was answered.',
};

/** Why a connection to DPS ended without a status packet. Errors of the token come back as they are. */
export const dpsLinkFault = (attempt: Attempt): Error => endingFault(attempt, LINK_CODES, LINK_MESSAGES);
