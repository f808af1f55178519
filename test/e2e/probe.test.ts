import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, test } from 'node:test';
import { softHsm } from '../contract/token/softhsm.ts';
import { withEnvironment } from '../put-back.ts';
import { type Clocked, clocked } from './stage/clocked.ts';
import { holds } from './stage/holds.ts';
import { Inspector } from './stage/inspector.ts';
import { cut, PATIENCE_MS } from './stage/site.ts';

const ID = 'gw-0001';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LIFETIME = 90 * 24 * HOUR;

const hsm = softHsm('parked', 'outlives the leaf res-401', 'ends with the leaf res-401', 'ends with the leaf close');
withEnvironment(hsm.environment);
after(() => hsm.remove());

const registrations = ({ far }: Clocked, since: number) =>
  far.log.since(since).filter(({ event }) => event === 'register').length;

test('a parked leaf that the operator enrolls becomes current within one probe, without a word to the gateway', async (t) => {
  const gateway = await clocked(t, LIFETIME, { hsm, token: 'parked' });
  const { far } = gateway;
  await gateway.start();
  const { leaf } = await gateway.settled();
  const current = pemOf(gateway.daemon.state.current?.chain);
  await far.removeEnrollment('gateways');
  await far.enrollIndividual({ registrationId: ID, primary: current });

  await gateway.ask({ kind: 'roll', from: 'technician', delayMs: 0 });
  const { next } = await gateway.until(({ next }) => next?.standing === 'parked');
  const session = far.log.matching({ event: 'connected' }).at(-1);
  const token = new Inspector(hsm, 'parked');
  const keys = token.keyIds();
  const mark = far.log.entries.length;

  // The first probe (5 to 6 minutes) is refused, too: the operator takes his time.
  await gateway.passUntil(gateway.clock.now() + 8 * MINUTE, { pausing: 0 });
  await gateway.until(({ next }) => next?.refusals === 2);
  holds(await gateway.status(), { leaf: { thumbprint: leaf?.thumbprint }, online: true, person: true });
  assert.equal(registrations(gateway, mark), 1);
  assert.equal(far.log.count({ event: 'disconnected', connection: session?.connection ?? 0 }), 0, 'no gap');

  await far.replaceCertificates(ID, { primary: current, secondary: pemOf(gateway.daemon.state.next?.leaf?.chain) });
  const proven = far.log.waitFor({ event: 'connected', thumbprint: next?.leaf?.thumbprint ?? '' }, PATIENCE_MS, mark);
  await gateway.passUntil(gateway.clock.now() + 20 * MINUTE, { pausing: 0, over: proven });
  await proven;
  const status = await gateway.settled();
  holds(status, { leaf: { thumbprint: next?.leaf?.thumbprint }, person: false });
  assert.equal(far.log.count({ event: 'issued' }), 2, 'no second issuance');
  assert.ok(
    token.keyIds().every((id) => keys.includes(id)),
    'no other key',
  );
});

for (const [session, expiredLeafAtDps] of [
  ['outlives the leaf', 'res-401'],
  ['ends with the leaf', 'res-401'],
  ['ends with the leaf', 'close'],
] as const) {
  const title = `the operator is late, the session ${session}, an expired leaf at DPS: ${expiredLeafAtDps}`;
  test(`${title}: the successor becomes current within one probe`, async (t) => {
    const settings = { 'leaf.renew_at': '"95%"' };
    const gateway = await clocked(t, 5 * HOUR, { hsm, token: `${session} ${expiredLeafAtDps}`, settings });
    const { far, clock } = gateway;
    await far.set({ expiredLeafAtDps });
    await gateway.start();
    const { leaf } = await gateway.settled();
    const current = pemOf(gateway.daemon.state.current?.chain);
    await far.removeEnrollment('gateways');
    await far.enrollIndividual({ registrationId: ID, primary: current });
    // The successor lives as long, from its own beginning.
    await gateway.passUntil(clock.now() + 2 * HOUR, { pausing: 0 });
    await gateway.ask({ kind: 'roll', from: 'technician', delayMs: 0 });
    const { next } = await gateway.until(({ next }) => next?.standing === 'parked');
    await gateway.passUntil(Date.parse(leaf?.notAfter ?? '') + MINUTE, { pausing: 0 });
    // A probe that is under way would be answered by the enrollment as it is now.
    const expired = await gateway.until(({ alarm, phase }) => alarm === 'expired' && phase === 'serving');
    holds(expired, { person: true, online: true, leaf: { thumbprint: leaf?.thumbprint } });
    if (session === 'ends with the leaf') {
      await cut(far);
      await far.log.waitFor({ event: 'closed-before-connack', reason: 'leaf expired or not valid yet' });
    }

    const mark = far.log.entries.length;
    await far.replaceCertificates(ID, { primary: current, secondary: pemOf(gateway.daemon.state.next?.leaf?.chain) });
    const proven = far.log.waitFor({ event: 'connected', thumbprint: next?.leaf?.thumbprint ?? '' }, PATIENCE_MS, mark);
    await gateway.passUntil(clock.now() + 80 * MINUTE, { pausing: 0, over: proven });
    await proven;
    holds(await gateway.settled(), { leaf: { thumbprint: next?.leaf?.thumbprint }, person: false });
    assert.equal(registrations(gateway, mark), 1, 'DPS is asked for the successor, not for the leaf that has expired');
  });
}

/** What the operator puts into the enrollment: the leaf alone. */
function pemOf(chain = ''): string {
  return new X509Certificate(chain).toString();
}
