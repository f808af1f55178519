import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_S, FakeTime } from '../stage/fake-time.ts';
import { assertArrived, brisk, counting, cutOff } from './stage.ts';

const KEPT = 100;

test('a hub that is away for a day: all of it arrives, in order', async (t) => {
  const time = new FakeTime(t);
  const at = await brisk(t, { runner: time.runner });
  const { far, gateway } = at;
  const program = await counting(t, at, 'sensors', { everyMs: 5 });
  await cutOff(at);
  while (program.acknowledged.length < KEPT) await gateway.uplink();
  time.set(DAY_S);
  while (program.acknowledged.length < 2 * KEPT) await gateway.uplink();
  const [told] = (await gateway.uplink()).programs;
  const oldest = Date.parse(told?.oldest ?? '');
  assert.ok(Date.parse((await gateway.status()).at) - oldest > 0.9 * DAY_S * 1_000, 'the oldest is a day old');
  await far.lift('hub1', 'port-closed');
  await gateway.settled();
  const { arrived } = await assertArrived(at, program);
  const [counts] = (await gateway.uplink()).programs;
  assert.equal(counts?.dropped, 0);
  t.diagnostic(`${arrived} messages over a day without a hub, ${counts?.resent} sent again`);
});
