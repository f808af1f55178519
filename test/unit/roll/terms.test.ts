import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseConfig } from '../../../agent/config/config.ts';
import type { Leaf } from '../../../agent/roll/leaf.ts';
import { type RollState, unprovisioned } from '../../../agent/roll/state.ts';
import {
  alarmOf,
  clockFloor,
  dueAt,
  fittingRenewal,
  isCredible,
  isDue,
  mayBeRight,
  type RenewAt,
  type Terms,
} from '../../../agent/roll/terms.ts';
import { LEAST } from '../config/least.ts';
import { leafOf, NOW, terms } from './machine.ts';

const HOUR = 3_600_000;
const LIFETIME = 1000 * HOUR;

const leaf = (serial = '01', lifetime = LIFETIME): Leaf => ({
  ...leafOf('g1', 'a'),
  serial,
  notBefore: NOW,
  notAfter: NOW + lifetime,
});
const serving = (current: Leaf): RollState => ({ ...unprovisioned, phase: 'serving', current });
const at = (renewAt: RenewAt, more: Partial<Terms> = {}): Terms => ({ ...terms, renewAt, ...more });

describe('dueAt', () => {
  const rows: readonly (readonly [why: string, RenewAt, latest: number])[] = [
    ['a share of the lifetime', { share: 0.66 }, NOW + 660 * HOUR],
    ['a time left', { leftMs: 100 * HOUR }, NOW + 900 * HOUR],
  ];
  for (const [why, renewAt, latest] of rows) {
    test(`${why}, and at most a twentieth of the lifetime before it`, () => {
      const spread = Array.from({ length: 2000 }, (_, n) => latest - (dueAt(leaf(n.toString(16)), renewAt) ?? 0));
      assert.ok(Math.min(...spread) >= 0);
      assert.ok(Math.max(...spread) < 0.05 * LIFETIME + 1);
    });
    test(`${why}: serials that follow each other fill the spread`, () => {
      const tenths = Array.from({ length: 2000 }, (_, n) => {
        const early = latest - (dueAt(leaf((0x10000 + n).toString(16).toUpperCase()), renewAt) ?? 0);
        return Math.floor((early / (0.05 * LIFETIME)) * 10);
      });
      for (let tenth = 0; tenth < 10; tenth += 1) {
        const share = tenths.filter((one) => one === tenth).length / tenths.length;
        assert.ok(share > 0.05 && share < 0.15, `tenth ${tenth} of the spread holds ${share} of the fleet`);
      }
    });
  }

  test('off is never', () => assert.equal(dueAt(leaf(), 'off'), undefined));
  test('the same serial has the same moment, whatever else the leaf says', () => {
    const other = { ...leafOf('g9', 'b'), serial: '7F', notBefore: NOW, notAfter: NOW + LIFETIME };
    assert.equal(dueAt(leaf('7F'), { share: 0.5 }), dueAt(other, { share: 0.5 }));
  });
  test('is a whole millisecond', () => {
    const due = dueAt(leaf('7F', 1001), { share: 0.333 });
    assert.ok(Number.isInteger(due));
  });
  test('a leaf of minutes is due within its life', () => {
    const short = leaf('7F', 5 * 60_000);
    const due = dueAt(short, { share: 0.66 }) ?? 0;
    assert.ok(due > short.notBefore + 3 * 60_000 && due <= short.notBefore + 3.3 * 60_000);
  });
});

describe('isDue', () => {
  const due = dueAt(leaf(), { share: 0.66 }) ?? 0;
  const end = NOW + LIFETIME;
  const rows: readonly (readonly [why: string, RollState, RenewAt, now: number, boolean])[] = [
    ['a millisecond before the planned moment', serving(leaf()), { share: 0.66 }, due - 1, false],
    ['at the planned moment', serving(leaf()), { share: 0.66 }, due, true],
    ['long after it', serving(leaf()), { share: 0.66 }, due + 9 * LIFETIME, true],
    ['switched off, a millisecond before the end', serving(leaf()), 'off', end - 1, false],
    ['switched off, but at its end', serving(leaf()), 'off', end, true],
    ['without a leaf', unprovisioned, { share: 0.66 }, end, false],
  ];
  for (const [why, state, renewAt, now, expected] of rows) {
    test(`${why}: ${expected}`, () => assert.equal(isDue(state, at(renewAt), now), expected));
  }
});

describe('the alarm of a renewal that is overdue', () => {
  // Due with 100 days left, so that every alarm lies in the window.
  const DAY = 24 * HOUR;
  const long = leaf('01', 1000 * DAY);
  const state = serving(long);
  const late = at({ leftMs: 100 * DAY });
  const due = dueAt(long, late.renewAt) ?? 0;
  const rows: readonly (readonly [why: string, RollState, Terms, now: number, alarm: string | undefined])[] = [
    ['not yet due', state, late, due, undefined],
    ['due, with months to go', state, late, due + 1, undefined],
    ['a millisecond before the first', state, late, long.notAfter - 28 * DAY - 1, undefined],
    ['four weeks left', state, late, long.notAfter - 28 * DAY, '28day'],
    ['a week left', state, late, long.notAfter - 7 * DAY, '7day'],
    ['three days left', state, late, long.notAfter - 3 * DAY, '3day'],
    ['a day left', state, late, long.notAfter - DAY, '1day'],
    ['half a day left', state, late, long.notAfter - 12 * HOUR, '12hour'],
    ['an hour left', state, late, long.notAfter - HOUR, '1hour'],
    ['the last millisecond', state, late, long.notAfter - 1, '1hour'],
    ['expired', state, late, long.notAfter, 'expired'],
    ['renewal is off: the second half counts', state, at('off'), long.notAfter - 7 * DAY, '7day'],
    ['a clock that is not credible', { ...state, lastSeen: long.notAfter + 1 }, late, long.notAfter, undefined],
    ['no leaf', unprovisioned, late, long.notAfter, undefined],
  ];
  for (const [why, gateway, terms, now, alarm] of rows) {
    test(`${why} → ${alarm}`, () => assert.equal(alarmOf(gateway, terms, now), alarm));
  }
  test('a leaf of minutes has no alarm but the last', () => {
    const short = leaf('01', 10 * 60_000);
    const ends = [1, 0].map((ms) => alarmOf(serving(short), at({ share: 0.66 }), short.notAfter - ms));
    assert.deepEqual(ends, [undefined, 'expired']);
  });
});

describe('the clock', () => {
  const current = { ...leaf(), notBefore: NOW - 5 };
  const rows: readonly (readonly [why: string, Partial<RollState>, builtAt: number, floor: number])[] = [
    ['the build is all there is', {}, NOW - 9, NOW - 9],
    ['the leaf is newer than the build', { current }, NOW - 9, NOW - 5],
    ['a server was seen after that', { current, lastSeen: NOW - 2 }, NOW - 9, NOW - 2],
    ['the build is the newest', { current, lastSeen: NOW - 2 }, NOW, NOW],
    ['the leaf is the newest', { current, lastSeen: NOW - 8 }, NOW - 9, NOW - 5],
  ];
  for (const [why, part, builtAt, floor] of rows) {
    test(why, () => {
      const state = { ...unprovisioned, ...part };
      const built = at('off', { builtAt });
      assert.equal(clockFloor(state, built), floor);
      assert.equal(isCredible(state, built, floor - 1), false, 'a millisecond before');
      assert.equal(isCredible(state, built, floor), true, 'at it');
    });
  }
});

describe('tokens are made by a clock', () => {
  const minutes = (count: number) => count * 60_000;
  const built = { ...terms, builtAt: NOW };
  const state = { ...unprovisioned, lastSeen: NOW + HOUR };
  const rows: readonly (readonly [why: string, now: number, upMs: number, isMade: boolean])[] = [
    ['that is behind where it was, and may still be set', NOW, minutes(15) - 1, false],
    ['that stays there: it had been ahead', NOW, minutes(15), true],
    ['that is credible, at once', NOW + HOUR, 0, true],
    ['that is before the build, never', NOW - 1, minutes(999), false],
  ];
  for (const [why, now, upMs, isMade] of rows)
    test(why, () => assert.equal(mayBeRight(state, built, now, upMs), isMade));
});

describe('fittingRenewal', () => {
  const DAY = 24 * HOUR;
  for (const [lifetime, left, expected] of [
    [395 * DAY, 30 * DAY, '"5day"'],
    [100 * DAY, 30 * DAY, '"12day"'],
    [3 * DAY, DAY, '"10hour"'],
    [10 * HOUR, HOUR, '"98%"'],
    [HOUR, HOUR / 12, '"99%"'],
    [20 * DAY, DAY, undefined],
    [HOUR, 0, undefined],
  ] as const)
    test(`${lifetime / HOUR} hours, of which ${left / HOUR} are left: ${expected}`, () => {
      const notAfter = NOW + left;
      const notBefore = notAfter - lifetime;
      const written = fittingRenewal({ notBefore, notAfter }, NOW);
      assert.equal(written, expected);
      const moment = written && parseConfig(`${LEAST}renew_at = ${written}\n`, 'FILE').config;
      if (!moment || !('leaf' in moment)) return;
      for (let n = 0; n < 2000; n += 1)
        assert.ok(Number(dueAt({ notBefore, notAfter, serial: n.toString(16) }, moment.leaf.renew_at)) > NOW);
    });
});
