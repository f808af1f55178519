import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { softHsm } from '../../contract/token/softhsm.ts';
import { withEnvironment } from '../../put-back.ts';
import type { Clocked } from '../stage/clocked.ts';
import { asked, clockedByAzure, DAY, ID, MINUTE, renewsByDps } from './clocked-site.ts';

const hsm = softHsm('device', 'authority', 'dark');
withEnvironment(hsm.environment);
after(() => hsm.remove());

for (const [token, what, revoke] of [
  ['device', 'the device is revoked', ({ far }: Clocked) => far.revokeDevice(ID)],
  ['authority', 'the CA is replaced', ({ far }: Clocked) => far.rotateIntermediate()],
] as const) {
  test(`${what}: DPS is asked for the hub, and some minutes later for one leaf`, async (t) => {
    const gateway = await clockedByAzure(t, hsm, token, 30 * DAY);
    await gateway.start();
    await renewsByDps(gateway, () => revoke(gateway));
  });
}

test('off for a month, and the leaf has expired: one registration brings another at once', async (t) => {
  const gateway = await clockedByAzure(t, hsm, 'dark', 20 * DAY);
  const { far, clock } = gateway;
  await gateway.start();
  const { leaf } = await gateway.settled();
  await gateway.stop();
  await clock.pass(30 * DAY);
  const mark = far.log.entries.length;
  const begun = clock.now();
  await gateway.start();
  const renewed = gateway.renewed(leaf?.thumbprint);
  // The session with the leaf that has expired pauses as well, and time waits for the work beside it.
  await gateway.passUntil(begun + 60 * MINUTE, { pausing: 2, over: renewed });
  await renewed;
  assert.deepEqual(asked(gateway, mark), { registrations: 1, renewals: 0 });
  assert.ok(clock.now() - begun < 15 * MINUTE, `${(clock.now() - begun) / MINUTE} min`);
});
