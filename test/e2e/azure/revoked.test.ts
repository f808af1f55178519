import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { dueAt } from '../../../agent/roll/plan.ts';
import { softHsm } from '../../contract/token/softhsm.ts';
import { withEnvironment } from '../../put-back.ts';
import type { Clocked } from '../stage/clocked.ts';
import { holds } from '../stage/holds.ts';
import { cut } from '../stage/site.ts';
import { asked, clockedByAzure, DAY, ID, MINUTE, renewsByDps } from './clocked-site.ts';

const hsm = softHsm('device', 'authority', 'disabled', 'month', 'dark', 'forgotten');
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

test('revoked and disabled at once: a person is called, DPS hears of it twelve times in three hours, and enabling it is enough', async (t) => {
  const gateway = await clockedByAzure(t, hsm, 'disabled', 30 * DAY);
  const { far, clock } = gateway;
  await gateway.start();
  const { leaf } = await gateway.settled();
  await far.revokeDevice(ID);
  await far.setDeviceStatus(ID, 'disabled');
  const mark = far.log.entries.length;
  await cut(far);
  const stranded = gateway.until(({ phase }) => phase === 'stranded');
  await gateway.passUntil(clock.now() + 180 * MINUTE, { over: stranded });
  holds(await stranded, { person: true });
  const { registrations } = asked(gateway, mark);
  assert.ok(registrations <= 12, `${registrations} registrations`);
  await far.setDeviceStatus(ID, 'enabled');
  const enabled = clock.now();
  const renewed = gateway.renewed(leaf?.thumbprint);
  await gateway.passUntil(gateway.daemon.state.probe?.askAt ?? 0, { pausing: 0 });
  await gateway.passUntil(enabled + 75 * MINUTE, { over: renewed });
  await renewed;
});

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
  await gateway.passUntil(begun + 60 * MINUTE, { over: renewed });
  await renewed;
  assert.deepEqual(asked(gateway, mark), { registrations: 1, renewals: 0 });
  assert.ok(clock.now() - begun < 10 * MINUTE, `${(clock.now() - begun) / MINUTE} min`);
});

test('the onboarding certificate ends while the gateway serves: it is told long before, and leaves go on coming', async (t) => {
  const gateway = await clockedByAzure(t, hsm, 'forgotten', 60 * DAY);
  const { far, clock } = gateway;
  await gateway.start();
  let { leaf } = await gateway.settled();
  const end = clock.now() + 400 * DAY;
  const mark = far.log.entries.length;
  const told = new Set<string>();
  while (clock.now() < end) {
    const { current } = gateway.daemon.state;
    assert(current !== undefined);
    // Every minute of a year would take too long.
    clock.step((dueAt(current, { share: 0.66 }) ?? 0) - clock.now());
    const renewed = gateway.renewed(leaf?.thumbprint);
    await gateway.passUntil(clock.now() + 10 * MINUTE, { pausing: 0, over: renewed });
    const status = await renewed;
    for (const { code } of status.wrong) told.add(code);
    holds(status, { phase: 'serving', online: true, person: false });
    ({ leaf } = status);
  }
  assert.deepEqual([...told], ['NL-ONBOARDING-EXPIRING', 'NL-ONBOARDING-EXPIRED']);
  assert.equal(asked(gateway, mark).registrations, 0);
});

test('a month of leaves that live a day: each is renewed over the hub, and DPS is asked once', async (t) => {
  const gateway = await clockedByAzure(t, hsm, 'month', DAY);
  const { far, clock } = gateway;
  const mark = far.log.entries.length;
  await gateway.start();
  let { leaf } = await gateway.settled();
  const end = clock.now() + 30 * DAY;
  let renewals = 0;
  for (; clock.now() < end; renewals += 1) {
    const { current } = gateway.daemon.state;
    assert(current !== undefined);
    await gateway.passUntil(dueAt(current, { share: 0.66 }) ?? 0, { pausing: 0 });
    ({ leaf } = await gateway.renewed(leaf?.thumbprint));
  }
  assert.ok(renewals >= 43 && renewals <= 60, `${renewals}`);
  assert.deepEqual(asked(gateway, mark), { registrations: 1, renewals });
});
