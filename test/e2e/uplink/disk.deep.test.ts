import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { tinyDisk } from '../../unit/state/tiny-disk.ts';
import { PATIENCE_MS, serving } from '../stage/site.ts';
import { assertArrived, counting } from './stage.ts';

test('programs that fill the disk', async (t) => {
  const disk = tinyDisk(t, 'size=12m');
  // A test within, so that the gateway is gone before its disk is.
  if (disk !== undefined) await t.test('leave room for the leaf: a roll goes on', (inner) => story(inner, disk.path));
});

async function story(t: TestContext, disk: string): Promise<void> {
  const settings = { 'state.directory': JSON.stringify(join(disk, 'state')), 'uplink.rate': '1000' };
  const at = await serving(t, { settings });
  const { far, gateway, thumbprint } = at;
  // The hub takes them, and they stay in the queue.
  await far.lay('hub1', 'no-puback');
  const options = { everyMs: 2, window: 20, bodyBytes: 60_000 };
  const programs = await Promise.all(['camera', 'sensors'].map((name) => counting(t, at, name, options)));
  await gateway.log.waitFor({ event: 'uplink-refused', code: 'NL-UPLINK-DISK' }, { timeoutMs: PATIENCE_MS });

  for (const id of ['one', 'two', 'three']) {
    const asked = await gateway.post('/v1/roll', { id });
    assert.equal(asked.status, 202, JSON.stringify(asked.body));
    await gateway.log.waitFor({ event: 'outcome', id, reason: 'done' });
    await gateway.settled();
  }
  assert.deepEqual(gateway.log.matching({ event: 'state-unwritten' }), []);
  assert.notEqual((await gateway.status()).leaf?.thumbprint, thumbprint);

  await far.lift('hub1', 'no-puback');
  assert.equal((await gateway.post('/v1/roll', { id: 'last' })).status, 202);
  await gateway.log.waitFor({ event: 'outcome', id: 'last', reason: 'done' });
  for (const program of programs) await assertArrived(at, program);
}
