import { createDps, type DpsOptions } from '../../../agent/dps/registration.ts';
import { LOOPBACK, TestCa } from '../mqtt/certificates.ts';

const ca = new TestCa();
/** The identity of DPS. */
export const server = ca.issue('dps', LOOPBACK);
const connector = ca.connector(ca.issue('gw-0001'));

export const dpsAt = (host: string, more: Partial<DpsOptions> = {}) =>
  createDps({
    endpoint: host,
    idScope: '0ne00000000',
    registrationId: 'gw-0001',
    connectorFor: () => Promise.resolve(connector),
    ...more,
  });
