import { ENROLL } from '../enrollment/commands.ts';
import { NAME } from '../enrollment/name.ts';
import type { Manual } from '../man.ts';
import { SCREEN } from './places.ts';

/** enroll(1) */
export const ENROLL_MANUAL: Manual = {
  tool: ENROLL,
  section: 1,
  purpose: 'admit, bar and roll Azure IoT gateways as their operator',
  description: [
    `${NAME} does the work of an operator in DPS and IoT Hub when leaves are rolled: enrollments and groups, primary and secondary certificates, identities in the hub, and the direct method reprovision for one device or for many through a job of the hub.`,
    'It shows each change line by line, and asks before it destroys something.',
  ],
  more: [],
  environment: {
    NEWLEAF_DPS_CONNECTION:
      'The connection string of DPS, or its host for a login to Entra ID, where --dps does not give one.',
    NEWLEAF_HUB_CONNECTION: 'The same of the hub, where --hub does not give one.',
    NEWLEAF_DPS_API_VERSION:
      'The api-version in which DPS is asked: 2026-11-01, 2025-07-01-preview or 2021-10-01. By default the newest of these that it knows.',
    NEWLEAF_ADR_NAMESPACE:
      'Resource ID of the namespace of Azure Device Registry, for `revoke`, where --namespace does not give one.',
    AZURE_TOKEN_CREDENTIALS:
      'The only login to Entra ID that is tried, by the name that @azure/identity has for it: ManagedIdentityCredential, for example.',
    AZURE_CLIENT_ID:
      'A service principal to log in as, with AZURE_TENANT_ID, and AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH. Where neither is set, the user of `az login` is taken.',
    NODE_EXTRA_CA_CERTS: 'A file with the CAs (PEM) of servers whose CA is not built into Node.',
    ...SCREEN,
  },
  seeAlso: [['newleaf', 8]],
};
