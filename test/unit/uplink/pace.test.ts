import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Allowance,
  acknowledged,
  holdMs,
  isThrottled,
  type Pace,
  paceOf,
  passed,
  sessionEnded,
  windowOf,
} from '../../../agent/uplink/pace.ts';

const MOST = 20;
const MINUTE = 60_000;
const slow: Pace = { rate: 4, brisk: 1, loweredAt: 0 };

test('it begins at the configured rate, with sixteen at once', () => {
  assert.equal(paceOf(MOST).rate, MOST);
  assert.equal(windowOf(paceOf(MOST)), 16);
  assert.equal(holdMs(paceOf(MOST)), 0);
  assert.equal(isThrottled(paceOf(MOST), MOST), false);
});

/** Before, what happens, and what is left of it: rate and brisk. */
const ROWS: readonly (readonly [string, Pace, (pace: Pace) => Pace, number, number])[] = [
  ['a PUBACK in time', slow, (pace) => acknowledged(pace, 5_000, 1_000, 99_000, MOST), 4.05, 1],
  ['a PUBACK at the full rate', paceOf(MOST), (pace) => acknowledged(pace, 50, 1_000, 99_000, MOST), 20, 0],
  ['a late PUBACK', slow, (pace) => acknowledged(pace, 5_001, 1_000, 99_000, MOST), 2, 1],
  ['the next late PUBACK of one jam', slow, (pace) => acknowledged(pace, 5_001, 1_000, 9_999, MOST), 4, 1],
  ['a PUBACK after a minute of use', slow, (pace) => acknowledged(pace, 50, MINUTE, 99_000, MOST), 4.05, 0],
  ['QoS 0 in the first minute', slow, (pace) => passed(pace, 59_999, MOST), 4, 1],
  ['QoS 0 after a minute of use', slow, (pace) => passed(pace, MINUTE, MOST), 4.05, 0],
  ['a close over messages', slow, (pace) => sessionEnded(pace, 59_999, true, 99_000), 2, 2],
  ['a close over messages, after a minute of use', slow, (pace) => sessionEnded(pace, MINUTE, true, 99_000), 2, 0],
  ['a close over nothing', slow, (pace) => sessionEnded(pace, 59_999, false, 99_000), 4, 1],
  ['a close over nothing, after a minute of use', slow, (pace) => sessionEnded(pace, MINUTE, false, 99_000), 4, 0],
  [
    'the end of a session that was not used',
    { ...slow, brisk: 3 },
    (pace) => sessionEnded(pace, undefined, false, 0),
    4,
    2,
  ],
  ['the same, and none before', { ...slow, brisk: 0 }, (pace) => sessionEnded(pace, undefined, false, 0), 4, 0],
  ['the least rate', { ...slow, rate: 1 }, (pace) => sessionEnded(pace, 1, true, 99_000), 1, 2],
  ['a configured rate under it', paceOf(0.5), (pace) => sessionEnded(pace, 1, true, 99_000), 0.5, 1],
];

for (const [what, before, happens, rate, brisk] of ROWS) {
  test(`${what}: ${rate} a second, ${brisk} brisk`, () => {
    const after = happens(before);
    assert.deepEqual({ rate: after.rate, brisk: after.brisk }, { rate, brisk });
  });
}

test('after a brisk end one by one; after two the session is left alone beyond the minute, then longer, 15 min at most', () => {
  const of = (brisk: number) => ({ ...paceOf(MOST), brisk });
  assert.deepEqual(
    [0, 1, 2].map((brisk) => windowOf(of(brisk))),
    [16, 1, 1],
  );
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 60].map((brisk) => holdMs(of(brisk)) / 1000),
    [0, 0, 61, 122, 244, 488, 900, 900],
  );
  assert.deepEqual(
    [0, 1, 2].map((brisk) => isThrottled(of(brisk), MOST)),
    [false, false, true],
  );
  assert.equal(isThrottled({ ...paceOf(MOST), rate: 4.9 }, MOST), true);
});

test('from the least rate back to the configured one takes a minute or two, not hours', () => {
  let pace: Pace = { ...paceOf(MOST), rate: 1 };
  let seconds = 0;
  for (; pace.rate < MOST; seconds += 1 / pace.rate) pace = acknowledged(pace, 50, 0, 0, MOST);
  assert(seconds > 30 && seconds < 120, `${seconds} s`);
});

test('QoS 0: sixteen at once, then at the rate; what was not used is not saved up', () => {
  const allowance = new Allowance();
  const taken = (at: number, times: number) =>
    Array.from({ length: times }, () => allowance.take(10, at)).filter((isTaken) => isTaken).length;
  assert.equal(taken(0, 20), 16);
  assert.equal(taken(99, 5), 0);
  assert.equal(taken(100, 5), 1);
  assert.equal(taken(1_100, 50), 10);
  assert.equal(taken(3_600_000, 50), 16);
});
