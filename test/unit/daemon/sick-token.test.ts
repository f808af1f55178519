import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusOf } from '../../../agent/roll/report.ts';
import { DAY, Gateway, HOUR, MINUTE } from '../../search/gateway.ts';

const origin = {
  seed: 1,
  enrollment: 'group',
  begins: 'serving',
  // Due, and far from the last resort: a leaf for the same key.
  leftMs: 25 * DAY,
  lifetimeMs: 90 * DAY,
  automatic: true,
} as const;

const report = (gateway: Gateway) => {
  const { terms, clock } = gateway;
  return statusOf(gateway.state, { terms, version: '0', registrationId: 'gw-1', now: clock.now() });
};

for (const [what, fault] of [
  ['makes no key', { generate: 'NL-TOKEN-POISONED' }],
  ['signs no CSR', { sign: 'NL-TOKEN-POISONED' }],
] as const) {
  test(`the leaf is due, and for a day the token ${what}: the gateway serves, says so, and rolls when the token can again`, async () => {
    const gateway = new Gateway(origin);
    gateway.lay(fault);
    gateway.start();
    let offlineMs = 0;
    for (let now = 0; now < DAY; now += MINUTE) {
      await gateway.clock.pass(MINUTE);
      if (!gateway.isOnline) offlineMs += MINUTE;
    }
    assert.ok(gateway.restarts >= 1 && gateway.restarts <= 5, `${gateway.restarts} restarts`);
    assert.ok(offlineMs <= gateway.restarts * 2 * MINUTE, `offline for ${offlineMs / MINUTE} minutes`);
    const { phase, next, last, leaf } = report(gateway);
    const { thumbprint } = leaf ?? {};
    assert.equal(phase, 'serving');
    assert.equal(next?.standing, 'parked');
    assert.equal(next?.trouble?.code, 'NL-TOKEN-FAILED');
    assert.equal(last?.code, 'NL-TOKEN-FAILED');

    gateway.lay({});
    await gateway.clock.pass(2 * HOUR);
    const healed = report(gateway);
    assert.deepEqual([healed.phase, healed.online, healed.last?.outcome], ['serving', true, 'done']);
    assert.notEqual(healed.leaf?.thumbprint, thumbprint);
    assert.deepEqual(gateway.broken, []);
    assert.equal(gateway.world.token.card?.keys.size, 1, 'nothing is left behind in the token');
  });
}

test('a token that makes no key any more: before the leaf ends, the same key gets another leaf', async () => {
  const gateway = new Gateway({ ...origin, leftMs: 16 * DAY });
  const before = gateway.known?.current;
  gateway.lay({ generate: 'NL-TOKEN-FAILED' });
  gateway.start();
  await gateway.clock.pass(HOUR);
  assert.equal(gateway.state.current?.thumbprint, before?.thumbprint);
  const { person, wrong } = report(gateway);
  assert.deepEqual([person, wrong[0]?.code], [true, 'NL-TOKEN-FAILED']);

  await gateway.clock.pass(2 * DAY);
  const { current } = gateway.state;
  assert.deepEqual([current?.key, gateway.isOnline], [before?.key, true]);
  assert.notEqual(current?.thumbprint, before?.thumbprint);
  const { outcomes } = report(gateway);
  assert.equal(outcomes.find(({ outcome }) => outcome === 'done')?.outcome, 'done');
  assert.deepEqual(gateway.broken, []);
});

test('a key whose handshakes cost the process: the leaf is rolled all the same, and few processes end', async () => {
  const gateway = new Gateway(origin);
  const before = gateway.known?.current;
  gateway.lay({ handshake: { code: 'NL-TOKEN-POISONED', whom: 'current' } });
  gateway.start();
  await gateway.clock.pass(HOUR);
  assert.notEqual(gateway.known?.current?.key.id, before?.key.id);
  assert.ok(gateway.isOnline);
  assert.ok(gateway.restarts >= 1 && gateway.restarts <= 12, `${gateway.restarts} restarts`);
  assert.deepEqual(gateway.broken, []);
  gateway.stop();
});
