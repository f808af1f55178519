import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { assertKept, Counting, drained } from '../stage/counting.ts';
import { serving } from '../stage/site.ts';

const ID = 'gw-0001';

test('a full queue refuses, and what it takes arrives in order', async (t) => {
  const settings = { 'uplink.rate': '1000', 'uplink.max_bytes': '"1MiB"' };
  const { far, gateway, session } = await serving(t, { settings });
  await far.lay('hub1', 'puback-delay', { ms: 250 });
  const options = { everyMs: 3, window: 60, bodyBytes: 40_000 };
  const program = new Counting('camera', await gateway.program('camera'), options);
  t.after(() => program.stop());
  await pause(4_000);
  await far.lift('hub1', 'puback-delay');
  await program.finish();
  await drained(gateway, 'camera');
  assert.ok(program.losses >= 2, `${program.losses} times refused`);
  const { arrived, twice } = await assertKept(far, ID, program);
  assert.equal(arrived, program.sent);
  t.diagnostic(`${arrived} sent, ${twice} twice, ${program.losses} connections lost`);
  assert.equal(far.log.count({ event: 'disconnected', connection: session.connection ?? 0 }), 0);
  assert.equal(gateway.log.matching({ event: 'uplink-refused', code: 'NL-UPLINK-FULL' }).length, 1);
});
