import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startedBy } from '../../../hsm/job.ts';
import { createTpm } from '../../../hsm/tpm/tpm.ts';
import { softHsm } from '../../contract/token/softhsm.ts';
import { Swtpm } from '../../contract/tpm/swtpm.ts';
import { withEnvironment } from '../../put-back.ts';
import { type Clocked, clocked } from '../stage/clocked.ts';
import { BUNDLE } from '../stage/gateway.ts';
import { DAY, ID, renewsByDps } from './clocked-site.ts';

const hsm = softHsm('device');
withEnvironment(hsm.environment);
const swtpm = Swtpm.start();
after(async () => {
  await swtpm[Symbol.asyncDispose]();
  hsm.remove();
});

/** Those that ask for a leaf. */
const withCsr = ({ far }: Clocked, mark: number): number =>
  far.log.since(mark).filter(({ event, body }) => event === 'register' && JSON.stringify(body).includes('"csr":'))
    .length;

test('the device is revoked: DPS is asked for the hub, and some minutes later for one leaf', async (t) => {
  const settings = { 'leaf.issuer': '"azure"', 'onboarding.tpm': JSON.stringify(swtpm.device) };
  const switches = { issuingEnrollments: 'all' } as const;
  const gateway = await clocked(t, 365 * DAY, { hsm, token: 'device', settings, switches });
  const { far, clock } = gateway;
  // The SDK dates the token for DPS by it.
  t.mock.method(Date, 'now', () => clock.now());
  startedBy([process.execPath, BUNDLE]);
  const tpm = createTpm(swtpm.device);
  const endorsementKey = (await tpm.identity()).endorsementKey.toString('base64');
  tpm.close();
  await far.createPolicy('monthly', 30 * DAY);
  await far.removeEnrollment('gateways');
  await far.enrollIndividual({
    registrationId: ID,
    tpm: { endorsementKey },
    certificatePolicy: { policy: 'monthly' },
  });
  await gateway.start();
  await gateway.settled();
  assert.equal(withCsr(gateway, 0), 1);
  const mark = await renewsByDps(gateway, () => far.revokeDevice(ID));
  assert.equal(withCsr(gateway, mark), 1);
});
