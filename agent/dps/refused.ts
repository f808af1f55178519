import type { Code } from '../failure/failure.ts';
import { type Attempt, endingFault, type LinkEnd } from '../mqtt/attempt.ts';

const CODES: Readonly<Record<LinkEnd, Code>> = {
  rejected: 'NL-DPS-REJECTED',
  unsupported: 'NL-DPS-SERVER',
  // A wrong ID scope is answered with CONNACK 3, too (azure-iot-sdk-python issue 670).
  unavailable: 'NL-DPS-SCOPE',
  untrusted: 'NL-DPS-UNTRUSTED',
  unreachable: 'NL-DPS-UNREACHABLE',
  closed: 'NL-DPS-UNREACHABLE',
  dropped: 'NL-DPS-UNREACHABLE',
};

const MESSAGES: Partial<Record<LinkEnd, string>> = {
  unsupported: 'DPS does not speak MQTT 3.1.1 with us (CONNACK 1).',
  closed: 'DPS ended the connection before it said anything about the leaf (no CONNACK).',
  dropped: 'The connection to DPS ended before the registration was answered.',
};

/** Why a connection to DPS ended without a status packet. Errors of the token come back as they are. */
export const refused = (attempt: Attempt): Error => endingFault(attempt, CODES, MESSAGES);
