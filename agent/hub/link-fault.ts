import type { Code } from '../failure/failure.ts';
import { type Attempt, endingFault, type LinkEnd } from '../mqtt/attempt.ts';

const CODES: Readonly<Record<LinkEnd, Code>> = {
  rejected: 'NL-HUB-REJECTED',
  unsupported: 'NL-HUB-UNAVAILABLE',
  unavailable: 'NL-HUB-UNAVAILABLE',
  untrusted: 'NL-HUB-UNTRUSTED',
  unreachable: 'NL-HUB-UNREACHABLE',
  closed: 'NL-HUB-CLOSED',
  dropped: 'NL-HUB-LOST',
};

/**
 * Why a connection to a hub ended. Only NL-HUB-REJECTED is about our identity: the SDK's UnauthorizedError also means a
 * refused port, a missing name, a proxy (azure-iot-device-mqtt 1.16.4), and sends whole fleets to DPS in an outage. Errors of
 * the token come back as they are.
 */
export const hubLinkFault = (attempt: Attempt): Error => endingFault(attempt, CODES);
