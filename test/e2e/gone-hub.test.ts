import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { softHsm } from '../contract/token/softhsm.ts';
import { withEnvironment } from '../put-back.ts';
import { clocked } from './stage/clocked.ts';
import { holds } from './stage/holds.ts';
import { PATIENCE_MS } from './stage/site.ts';

const ID = 'gw-0001';
const MINUTE = 60_000;

const hsm = softHsm('gone', 'back');
withEnvironment(hsm.environment);
after(() => hsm.remove());

for (const { title, token, hub } of [
  {
    title: 'a hub that is gone for good does not lock the gateway out: DPS is asked, and has another',
    token: 'gone',
    hub: 'hub2',
  },
  { title: 'a hub that comes back finds its gateway, which has asked DPS once an hour', token: 'back', hub: 'hub1' },
] as const) {
  test(title, async (t) => {
    const gateway = await clocked(t, 90 * 24 * 60 * MINUTE, { hsm, token });
    const { far } = gateway;
    await gateway.start();
    const { leaf } = await gateway.settled();
    const mark = far.log.entries.length;
    const from = gateway.clock.now();
    await far.lay('hub1', 'port-closed');
    if (hub === 'hub2') await far.assign(ID, 'hub2');

    const asked = far.log.waitFor({ event: 'assigned' }, PATIENCE_MS, mark);
    await gateway.passUntil(from + 60 * MINUTE, { over: asked });
    await asked;
    const after = (gateway.clock.now() - from) / MINUTE;
    assert.ok(after >= 14 && after <= 45, `asked after ${after} minutes`);
    if (hub === 'hub1') {
      await gateway.passUntil(gateway.clock.now() + 6 * 60 * MINUTE);
      await far.lift('hub1', 'port-closed');
      const back = far.log.waitFor({ event: 'connected' }, PATIENCE_MS, far.log.entries.length);
      await gateway.passUntil(gateway.clock.now() + 10 * MINUTE, { over: back });
    }
    holds(await gateway.settled(), { leaf: { thumbprint: leaf?.thumbprint }, online: true, person: false });
    const times = far.log.since(mark).filter(({ event }) => event === 'register').length;
    assert.ok(hub === 'hub2' ? times === 1 : times >= 6 && times <= 7, `DPS was asked ${times} times`);
    assert.equal(far.log.matching({ event: 'connected', server: hub }).length > 0, true);
  });
}
