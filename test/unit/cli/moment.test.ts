import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fromNow, localMinute, localSecond, span, took, zone } from '../../../agent/cli/moment.ts';
import { NOW } from './stage.ts';

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];

describe('durations', () => {
  const rows: readonly (readonly [ms: number, words: string])[] = [
    [0, '0 s'],
    [999, '0 s'],
    [89 * SECOND + 999, '89 s'],
    [90 * SECOND, '1 min'],
    [90 * MINUTE - 1, '89 min'],
    [90 * MINUTE, '1 hour'],
    [2 * HOUR, '2 hours'],
    [48 * HOUR - 1, '47 hours'],
    [48 * HOUR, '2 days'],
    [99.9 * DAY, '99 days'],
    [100 * DAY, '3 months'],
    [3 * 366 * DAY, '3 years'],
    [-5 * MINUTE, '5 min'],
  ];
  for (const [ms, words] of rows) test(words, () => assert.equal(span(ms), words));

  for (const [ms, words] of [
    [-1, '0.00 s'],
    [440, '0.44 s'],
    [59_999, '60.0 s'],
    [60_000, '60 s'],
    [600_000, '10 min'],
  ] as const) {
    test(`took ${words}`, () => assert.equal(took(ms), words));
  }
});

describe('moments', () => {
  const rows: readonly (readonly [at: number, words: string])[] = [
    [NOW, 'now'],
    [NOW + 999, 'now'],
    [NOW + 12 * DAY, 'in 12 days'],
    [NOW - 4 * MINUTE, '4 min ago'],
  ];
  for (const [at, words] of rows) test(words, () => assert.equal(fromNow(at, NOW), words));

  test('are told in local time, in summer and in winter', () => {
    assert.equal(localSecond(NOW), '2026-11-25 14:49:53');
    assert.equal(zone(NOW), 'UTC+01:00');
    assert.equal(localMinute(Date.parse('2026-06-30T22:30:00Z')), '2026-07-01 00:30');
    assert.equal(zone(Date.parse('2026-06-30T22:30:00Z')), 'UTC+02:00');
  });
});
