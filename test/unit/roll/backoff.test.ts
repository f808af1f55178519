import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { LARGEST_PAUSE_MS, pauseMs, probeMs, turnMs } from '../../../agent/roll/backoff.ts';
import type { RollEffect } from '../../../agent/roll/state.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const outage = failure('NL-DPS-UNREACHABLE');
const server = failure('NL-DPS-SERVER');
const later = (retryAfterMs: number) => failure('NL-DPS-SERVER', { retryAfterMs });

describe('each effect has its ladder', () => {
  // Seconds after 1, 2, 3 … failures in a row, without jitter.
  const ladders: Record<RollEffect['kind'], readonly number[]> = {
    connect: [1, 2, 4, 8, 16, 32, 60, 60],
    register: [5, 15, 45, 135, 405, 1215, 3600, 3600],
    'request-leaf': [5, 10, 20, 40, 80, 160, 320, 640, 900, 900],
    'generate-key': [5, 10, 20, 40, 80, 160, 300, 300],
    'destroy-key': [5, 10, 20, 40, 80, 160, 320, 600, 600],
  };
  for (const [effect, seconds] of Object.entries(ladders) as [RollEffect['kind'], number[]][]) {
    test(effect, () => {
      const draw = effect === 'connect' ? 0 : 0.5;
      const pauses = seconds.map((_, rung) => pauseMs(effect, rung + 1, server, draw) / SECOND);
      assert.deepEqual(pauses, seconds);
    });
  }

  test('a DPS that never heard of the attempt is asked every ten minutes: the network may be back', () => {
    const pauses = [1, 4, 5, 6, 20].map((tries) => pauseMs('register', tries, outage, 0.5) / SECOND);
    assert.deepEqual(pauses, [5, 135, 405, 600, 600]);
  });

  test('a ladder that was climbed for a year has not overflowed', () => {
    assert.equal(pauseMs('connect', 1_000_000, outage, 0.5), MINUTE);
  });

  test('the grace of a hub that lags DPS lasts about five minutes', () => {
    for (const draw of [0, 0.5, 0.999]) {
      const rungs = Array.from({ length: 9 }, (_, rung) => pauseMs('connect', rung + 1, outage, draw));
      const sum = rungs.reduce((a, b) => a + b);
      assert.ok(sum >= 4 * MINUTE && sum <= 5 * MINUTE + 3 * SECOND, `${sum}`);
    }
  });
});

describe('jitter', () => {
  const ends: readonly (readonly [RollEffect['kind'], number, least: number, most: number])[] = [
    ['connect', 6, 32_000, 60_000],
    ['register', 1, 3_750, 6_250],
    ['request-leaf', 1, 3_750, 6_250],
    ['generate-key', 1, 4_000, 6_000],
    ['destroy-key', 1, 4_000, 6_000],
  ];
  for (const [effect, tries, least, most] of ends) {
    test(`${effect} spreads between ${least} and ${most} ms`, () => {
      assert.equal(pauseMs(effect, tries, outage, 0), least);
      const highest = pauseMs(effect, tries, outage, 0.999);
      assert.ok(highest > most * 0.99 && highest < most, `${highest}`);
    });
  }
});

describe('what the other side asked for is the least', () => {
  const rows: readonly (readonly [
    why: string,
    tries: number,
    failure: ReturnType<typeof later>,
    draw: number,
    ms: number,
  ])[] = [
    ['longer than the rung: jitter only on top', 1, later(30_000), 0, 30_000],
    ['longer than the rung: jitter on top', 1, later(30_000), 0.8, 36_000],
    ['longer than the largest rung', 20, later(2 * HOUR), 0, 2 * HOUR],
    ['shorter than the rung: the ladder goes on', 4, later(1_000), 0.5, 135_000],
    ['as long as the rung: jitter may not go below', 1, later(5_000), 0, 5_000],
    ['a little shorter than the rung: jitter may not go below', 1, later(4_900), 0, 4_900],
    ['zero is nothing asked for', 1, later(0), 0.5, 5_000],
  ];
  for (const [why, tries, asked, draw, ms] of rows) {
    test(why, () => assert.equal(pauseMs('register', tries, asked, draw), ms));
  }
  test('an issuer is believed for a day: no leaf may wait for one that says "in 30 years"', () => {
    assert.equal(pauseMs('request-leaf', 1, later(23 * HOUR), 0), 23 * HOUR);
    assert.equal(pauseMs('request-leaf', 1, later(1e12), 0), 24 * HOUR);
  });
  test('a leaf that begins later is asked for within the hour: the clock may be set right meanwhile', () => {
    const notYet = failure('NL-LEAF-NOT-YET', { retryAfterMs: 20 * HOUR });
    assert.equal(pauseMs('request-leaf', 1, notYet, 0), HOUR);
  });
});

describe('a fleet that shares a quota', () => {
  const throttled = failure('NL-DPS-THROTTLED');
  const asking = (seconds: number) => failure('NL-DPS-THROTTLED', { retryAfterMs: seconds * SECOND });
  const rows: readonly (readonly [why: string, tries: number, failure: typeof throttled, from: number, to: number])[] =
    [
      ['over a minute and a half after the first 429', 1, throttled, 5, 90],
      ['then over windows that grow by a third', 2, throttled, 90, 120],
      ['and by a third', 3, throttled, 120, 160],
      ['up to an hour', 30, throttled, 3_600, 3_600],
      ['after Retry-After, and over the same window', 1, asking(30), 30, 115],
      ['a Retry-After that is over sooner changes nothing', 2, asking(60), 90, 120],
      ['at least by the jitter of a long one', 2, asking(600), 600, 750],
      ['connects: over each second from one rung to the next', 2, outage, 2, 4],
    ];
  for (const [why, tries, failed, from, to] of rows) {
    test(why, () => {
      const effect = failed === outage ? 'connect' : 'register';
      assert.equal(pauseMs(effect, tries, failed, 0) / SECOND, from);
      const most = pauseMs(effect, tries, failed, 0.9999) / SECOND;
      assert.ok(most > to * 0.999 && most <= to, `${most}`);
    });
  }

  for (const [effect, failed, rungs] of [
    ['register', throttled, 12],
    ['connect', outage, 12],
  ] as const) {
    test(`${effect}: with a draw that stays, each second of a window is as full as any other, and none is empty`, () => {
      const at = (draw: number) => {
        const pauses = Array.from({ length: rungs }, (_, rung) => pauseMs(effect, rung + 1, failed, draw));
        return pauses.map((_, rung) => pauses.slice(0, rung + 1).reduce((a, b) => a + b));
      };
      const [first, middle, last] = [at(0), at(0.5), at(1 - 1e-9)];
      const lead = first[0] ?? 0;
      for (let rung = 1; rung < rungs; rung += 1) {
        const [begins = 0, half = 0, ends = 0] = [first[rung], middle[rung], last[rung]];
        assert.ok(Math.abs(half - (begins + ends) / 2) < 20, `${half}`);
        assert.ok(Math.abs((first[rung + 1] ?? ends + lead) - ends - lead) < 100 || rung + 1 === rungs, `${ends}`);
      }
    });
  }

  test('a throttled gateway asks 11 times in an hour', () => {
    for (const draw of [0, 0.5, 1 - 1e-9]) {
      let [asked, at] = [1, 0];
      for (; at <= HOUR; asked += 1) at += pauseMs('register', asked, throttled, draw);
      assert.ok(asked - 1 <= 11, `${asked - 1}`);
    }
  });
});

describe('two leaves that are asked for by turns', () => {
  test('each comes within 75 minutes, and DPS is asked 39 times a day', () => {
    assert.ok(2 * turnMs(0.999) <= 75 * MINUTE);
    assert.ok((24 * HOUR) / turnMs(0) <= 39);
  });
  test('the ladder pauses no longer than a turn, unless DPS has asked for more', () => {
    const turn = turnMs(0.5);
    assert.equal(pauseMs('register', 20, server, 0.5, Number.POSITIVE_INFINITY, turn), turn);
    assert.equal(pauseMs('register', 20, later(HOUR), 0, Number.POSITIVE_INFINITY, turn), HOUR);
  });
});

describe('a pause is never more than half of what remains of the leaf', () => {
  const rows: readonly (readonly [why: string, remaining: number, failure: ReturnType<typeof later>, ms: number])[] = [
    ['a long remainder changes nothing', 10 * HOUR, outage, 10 * MINUTE],
    ['half of ten minutes', 10 * MINUTE, outage, 5 * MINUTE],
    ['but DPS is asked no more often than every three minutes', 2 * SECOND, outage, 3 * MINUTE],
    ['nor once it has ended', -HOUR, outage, 3 * MINUTE],
    ['what the other side asked for goes before', 10 * MINUTE, later(20 * MINUTE), 20 * MINUTE],
  ];
  for (const [why, remaining, failed, ms] of rows) {
    test(why, () => assert.equal(pauseMs('register', 20, failed, 0.5, remaining), ms));
  }
  test('an issuer, and a token, no more often than every ten seconds', () =>
    assert.equal(pauseMs('request-leaf', 20, outage, 0.5, 2 * SECOND), 10 * SECOND));
});

describe('the probe for what was refused', () => {
  const rows: readonly (readonly [times: number, least: number])[] = [
    [1, 5 * MINUTE],
    [2, 15 * MINUTE],
    [3, HOUR],
    [4, HOUR],
    [1000, HOUR],
  ];
  for (const [times, least] of rows) {
    test(`after ${times} refusals: ${least / MINUTE} min, and at most 15 % more`, () => {
      assert.equal(probeMs(times, 0), least);
      const highest = probeMs(times, 0.999);
      assert.ok(highest > least * 1.14 && highest < least * 1.15, `${highest}`);
    });
  }
  test('is never more than half of what remains', () => assert.equal(probeMs(3, 0.5, 20 * MINUTE), 10 * MINUTE));
  test('but no more often than twice a minute', () => assert.equal(probeMs(1, 0.5, SECOND), 30 * SECOND));
});

test('no rung is above the largest pause that the configuration is checked against', () => {
  for (const effect of ['connect', 'register', 'request-leaf', 'generate-key', 'destroy-key'] as const) {
    assert.ok(pauseMs(effect, 99, outage, 0.5) <= LARGEST_PAUSE_MS);
  }
  assert.ok(probeMs(99, 0) <= LARGEST_PAUSE_MS);
});

test('an issuer that says "tomorrow" is asked again before the leaf ends', () => {
  const tomorrow = failure('NL-EST-WAIT', { retryAfterMs: 24 * HOUR });
  assert.equal(pauseMs('request-leaf', 1, tomorrow, 0.5, 2 * HOUR), HOUR);
  assert.ok(
    pauseMs('request-leaf', 1, tomorrow, 0.5) >= 24 * HOUR,
    'but not sooner than it says where nothing is lost',
  );
  assert.equal(pauseMs('request-leaf', 1, tomorrow, 0.5, 1_000), 10_000, 'nor more often than every 10 seconds');
});
