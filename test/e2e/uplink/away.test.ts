import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertKept, Counting, drained } from '../stage/counting.ts';
import { DAY_S, FakeTime } from '../stage/fake-time.ts';
import { serving } from '../stage/site.ts';

const ID = 'gw-0001';
const KEPT = 100;

test('a hub that is away for a day: all of it arrives, in order', async (t) => {
  const time = new FakeTime(t);
  const settings = { 'uplink.rate': '1000' };
  const { far, gateway } = await serving(t, { settings, runner: time.runner });
  const program = new Counting('sensors', await gateway.program('sensors'), { everyMs: 5 });
  t.after(() => program.stop());
  await far.lay('hub1', 'port-closed');
  await gateway.until(({ online }) => !online);
  while (program.acknowledged.length < KEPT) await gateway.uplink();
  time.set(DAY_S);
  while (program.acknowledged.length < 2 * KEPT) await gateway.uplink();
  const [told] = (await gateway.uplink()).programs;
  const oldest = Date.parse(told?.oldest ?? '');
  assert.ok(Date.parse((await gateway.status()).at) - oldest > 0.9 * DAY_S * 1_000, 'the oldest is a day old');
  await far.lift('hub1', 'port-closed');
  await gateway.settled();
  await program.finish();
  await drained(gateway, 'sensors');
  const { arrived } = await assertKept(far, ID, program);
  assert.equal(arrived, program.sent);
  const [counts] = (await gateway.uplink()).programs;
  assert.equal(counts?.dropped, 0);
  t.diagnostic(`${arrived} messages over a day without a hub, ${counts?.resent} sent again`);
});
