import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { softHsm } from '../contract/token/softhsm.ts';
import { withEnvironment } from '../put-back.ts';
import { type Clocked, clocked } from './stage/clocked.ts';
import { holds } from './stage/holds.ts';
import { cut, PATIENCE_MS } from './stage/site.ts';

const ID = 'gw-0001';
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const LIFETIME = 30 * DAY;
/** After this time a leaf of thirty days is due, but not expired. */
const DUE = 25 * DAY;

const hsm = softHsm('forward', 'backward', 'boot', 'scheduled', 'passed', 'early', 'behind');
withEnvironment(hsm.environment);
after(() => hsm.remove());

test('stepped forward over the renewal: the leaf is renewed within a minute of it', async (t) => {
  const { gateway, thumbprint } = await serving(await clocked(t, LIFETIME, { hsm, token: 'forward' }));
  gateway.clock.step(DUE);
  holds(await gateway.status(), { leaf: { thumbprint }, clock: { credible: true } });
  await gateway.clock.pass(MINUTE);
  const status = await gateway.renewed(thumbprint);
  holds(status, { last: { reason: 'due', outcome: 'done' } });
  assert.equal(gateway.log.matching({ event: 'clock-stepped' }).length, 1);
});

test('stepped backward: nothing is renewed or judged expired, and a refusal is answered all the same', async (t) => {
  const { gateway, thumbprint } = await serving(await clocked(t, LIFETIME, { hsm, token: 'backward' }));
  const { far, clock } = gateway;
  gateway.step(-300 * DAY);
  await clock.pass(5 * MINUTE);
  const floor = new Date(clock.now() + 300 * DAY - 5 * MINUTE).toISOString();
  holds(await gateway.status(), { clock: { credible: false, floor }, phase: 'serving', online: true });

  const since = far.log.entries.length;
  await refuse(gateway);
  await far.log.waitFor({ event: 'assigned', thumbprint }, PATIENCE_MS, since);
  const back = await gateway.settled();
  holds(back, { clock: { credible: false }, leaf: { thumbprint }, last: { reason: 'rejected', outcome: 'done' } });
  assert.equal(far.log.registrations(ID), 2);

  // By now the leaf is due, and this gateway cannot know it.
  clock.step(DUE);
  await clock.pass(5 * MINUTE);
  const late = await gateway.status();
  holds(late, { clock: { credible: false }, leaf: { thumbprint }, phase: 'serving', online: true });
  assert.equal(late.alarm, undefined);
  assert.equal(far.log.count({ event: 'issued' }), 1);

  gateway.setRight();
  await clock.pass(MINUTE);
  holds(await gateway.renewed(thumbprint), { clock: { credible: true }, last: { reason: 'due', outcome: 'done' } });
});

test('1970 at the start: it serves with the leaf that it has, and renews when the clock is right', async (t) => {
  const { gateway, thumbprint } = await serving(await clocked(t, LIFETIME, { hsm, token: 'boot' }));
  const { far, clock } = gateway;
  await gateway.stop();
  clock.step(DUE);
  gateway.step(-clock.now());
  await gateway.start();
  await gateway.settled();
  await clock.pass(5 * MINUTE);
  const status = await gateway.status();
  holds(status, { clock: { credible: false }, leaf: { thumbprint }, phase: 'serving', online: true });
  assert.equal(status.alarm, undefined);
  assert.equal(far.log.count({ event: 'issued' }), 1);
  assert.equal(far.log.registrations(ID), 1);

  gateway.setRight();
  await clock.pass(MINUTE);
  holds(await gateway.renewed(thumbprint), { clock: { credible: true }, last: { reason: 'due', outcome: 'done' } });
});

test('what is planned between two looks at the clock begins at its moment', async (t) => {
  const { gateway } = await serving(await clocked(t, LIFETIME, { hsm, token: 'scheduled' }));
  const ask = { kind: 're-register', from: 'method', id: 'soon', delayMs: MINUTE / 4 } as const;
  assert.equal(await gateway.ask(ask), 202);
  await gateway.clock.pass(ask.delayMs);
  holds(await gateway.until(({ last }) => last?.id === 'soon'), { last: { outcome: 'done' } });
});

test('what is planned for a moment that has passed before it was written down begins at once', async (t) => {
  const { gateway } = await serving(await clocked(t, LIFETIME, { hsm, token: 'passed' }));
  const ask = { kind: 're-register', from: 'method', id: 'now', delayMs: 0.1 } as const;
  assert.equal(await gateway.ask(ask), 202);
  holds(await gateway.until(({ last }) => last?.id === 'now'), { last: { outcome: 'done' } });
});

test('a leaf that is not valid yet is waited for, and no other is asked for', async (t) => {
  const { gateway, thumbprint } = await serving(await clocked(t, LIFETIME, { hsm, token: 'early' }));
  const { far, clock } = gateway;
  await far.lay('est', 'est-not-yet', { ms: clock.now() - Date.now() + 10 * MINUTE });
  assert.equal(await gateway.ask({ kind: 'roll', from: 'technician', id: 'early', delayMs: 0 }), 202);
  holds(await gateway.until(({ trouble }) => trouble?.code === 'NL-LEAF-NOT-YET'), {
    leaf: { thumbprint },
    online: true,
  });
  await clock.pass(9 * MINUTE);
  holds(await gateway.status(), { phase: 'requesting-leaf', leaf: { thumbprint } });
  await clock.pass(4 * MINUTE);
  holds(await gateway.renewed(thumbprint), { last: { id: 'early', outcome: 'done' } });
  assert.equal(far.log.count({ event: 'issued' }), 2);
});

test('a clock that is a day behind at the first start: the leaf is taken as soon as the clock is set', async (t) => {
  const gateway = await clocked(t, LIFETIME, { hsm, token: 'behind' });
  const { far, clock } = gateway;
  gateway.step(-DAY);
  await gateway.start();
  await gateway.until(({ trouble }) => trouble?.code === 'NL-LEAF-NOT-YET');
  await clock.pass(5 * MINUTE);
  holds(await gateway.status(), { phase: 'requesting-leaf', online: false });
  gateway.setRight();
  await clock.pass(MINUTE);
  holds(await gateway.settled(), { last: { reason: 'provisioning', outcome: 'done' } });
  assert.equal(far.log.count({ event: 'issued' }), 1);
});

async function serving(gateway: Clocked): Promise<{ gateway: Clocked; thumbprint: string }> {
  await gateway.start();
  const { leaf } = await gateway.settled();
  return { gateway, thumbprint: leaf?.thumbprint ?? '' };
}

/** The hub forgets the leaf, and ends the session. */
async function refuse({ far }: Clocked): Promise<void> {
  await far.writeDevice('hub1', ID, 'A'.repeat(64));
  await cut(far);
}
