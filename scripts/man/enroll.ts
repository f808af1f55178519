import { ENROLL } from '../enrollment/commands.ts';
import type { Manual } from '../man.ts';
import { SCREEN } from './places.ts';

/** enroll(1) */
export const ENROLL_MANUAL: Manual = {
  tool: ENROLL,
  section: 1,
  purpose: 'admit, bar and roll Azure IoT gateways as their operator',
  description: [
    'enroll does the work of an operator in DPS and IoT Hub when leaves are rolled: enrollments and groups, primary and secondary certificates, identities in the hub, and the direct method reprovision for one device or for many through a job of the hub.',
    'It shows each change line by line, and asks before it destroys something.',
  ],
  more: [],
  environment: {
    NEWLEAF_DPS_CONNECTION: 'The connection string of DPS, where --dps does not give one.',
    NEWLEAF_HUB_CONNECTION: 'The connection string of the hub, where --hub does not give one.',
    NODE_EXTRA_CA_CERTS: 'A file with the CAs (PEM) of servers whose CA is not built into Node.',
    ...SCREEN,
  },
  seeAlso: [['newleaf', 8]],
};
