import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Allowance, acknowledged, lowered, type Pace, paceOf } from '../../../agent/uplink/pace.ts';

const MOST = 20;
const slow: Pace = { rate: 4, loweredAt: 0 };

/** Before, what happens, and the rate after it. */
const ROWS: readonly (readonly [string, Pace, (pace: Pace) => Pace, number])[] = [
  ['nothing yet', paceOf(MOST), (pace) => pace, 20],
  ['a PUBACK in time', slow, (pace) => acknowledged(pace, 5_000, 99_000, MOST), 4.05],
  ['a PUBACK at the full rate', paceOf(MOST), (pace) => acknowledged(pace, 50, 99_000, MOST), 20],
  ['a late PUBACK', slow, (pace) => acknowledged(pace, 5_001, 99_000, MOST), 2],
  ['the next late PUBACK of one jam', slow, (pace) => acknowledged(pace, 5_001, 9_999, MOST), 4],
  ['a close over too many messages', slow, (pace) => lowered(pace, 99_000), 2],
  ['the least rate', { ...slow, rate: 1 }, (pace) => lowered(pace, 99_000), 1],
  ['a configured rate under it', paceOf(0.5), (pace) => lowered(pace, 99_000), 0.5],
];

for (const [what, before, happens, rate] of ROWS) {
  test(`${what}: ${rate} a second`, () => assert.equal(happens(before).rate, rate));
}

test('from the least rate back to the configured one takes a minute or two, not hours', () => {
  let pace: Pace = { ...paceOf(MOST), rate: 1 };
  let seconds = 0;
  for (; pace.rate < MOST; seconds += 1 / pace.rate) pace = acknowledged(pace, 50, 0, MOST);
  assert(seconds > 30 && seconds < 120, `${seconds} s`);
});

test('QoS 0: sixteen at once, then at the rate; what was not used is not saved up', () => {
  const allowance = new Allowance(() => 16);
  const taken = (at: number, times: number) =>
    Array.from({ length: times }, () => allowance.take(10, at)).filter((isTaken) => isTaken).length;
  assert.equal(taken(0, 20), 16);
  assert.equal(taken(99, 5), 0);
  assert.equal(taken(100, 5), 1);
  assert.equal(taken(1_100, 50), 10);
  assert.equal(taken(3_600_000, 50), 16);
});
