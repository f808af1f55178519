import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { DAY_S, FakeTime } from './stage/fake-time.ts';
import { holds } from './stage/holds.ts';
import { PATIENCE_MS, type Site, site } from './stage/site.ts';

const ID = 'gw-0001';
/** The daemon looks at the clock once a minute. */
const LOOK_MS = 60_000;

async function clockedSite(t: TestContext): Promise<Site & { readonly time: FakeTime }> {
  const time = new FakeTime(t);
  return { ...(await site(t, { runner: time.runner })), time };
}

suite('a real clock that steps', { concurrency: true }, () => {
  test('a boot in 1970, then the right time, then a step over the renewal', async (t) => {
    const { far, gateway, time } = await clockedSite(t);
    await gateway.start();
    const { leaf } = await gateway.settled();
    await gateway.stop();

    time.setTo1970();
    await gateway.start();
    const started = Date.now();
    // No server certificate is valid yet.
    await gateway.log.waitFor({ event: 'failed', action: 'connect', code: 'NL-HUB-UNTRUSTED' });
    const wrong = await gateway.status();
    assert.match(wrong.at, /^1970-01-/);
    holds(wrong, { phase: 'serving', online: false, clock: { credible: false }, person: false });
    holds(wrong, { leaf: { thumbprint: leaf?.thumbprint } });
    assert.equal(wrong.alarm, undefined);

    time.set(0);
    holds(await gateway.settled(), { clock: { credible: true }, leaf: { thumbprint: leaf?.thumbprint } });
    assert.equal(far.log.count({ event: 'issued' }), 1);
    assert.equal(far.log.registrations(ID), 1);

    // The CA goes by the right time: its next leaf must not be due already.
    await far.setPolicy({ lifetimeMs: 5 * 365 * DAY_S * 1000 });
    time.set(250 * DAY_S);
    holds(await gateway.status(), { online: true, leaf: { thumbprint: leaf?.thumbprint } });
    const renewed = await gateway.until(({ last }) => last?.reason === 'due', 2 * LOOK_MS);
    assert.ok(Date.now() - started < LOOK_MS + PATIENCE_MS);
    holds(renewed, { online: true, last: { outcome: 'done' } });
    assert.notEqual(renewed.leaf?.thumbprint, leaf?.thumbprint);
    assert.ok(gateway.log.matching({ event: 'clock-stepped' }).length > 0);
  });

  test('a first start in 1970: nothing is asked of anybody before the servers can be checked, then it provisions', async (t) => {
    const { far, gateway, time } = await clockedSite(t);
    time.setTo1970();
    await gateway.start();
    await gateway.log.waitFor({ event: 'failed', action: 'request-leaf', code: 'NL-EST-UNTRUSTED' });
    holds(await gateway.status(), { phase: 'requesting-leaf', clock: { credible: false }, person: false });
    assert.equal(far.log.count({ event: 'request' }), 0);
    time.set(0);
    await gateway.settled();
    assert.equal(far.log.count({ event: 'issued' }), 1);
    assert.equal(far.log.registrations(ID), 1);
  });
});
