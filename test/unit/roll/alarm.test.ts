import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Transcript } from '../../../agent/daemon/events.ts';
import type { Line, Log } from '../../../agent/machine/log.ts';
import type { Memory } from '../../../agent/roll/core/memory.ts';
import { statusOf, twinOf } from '../../../agent/roll/report.ts';
import { ALARMS, type Alarm } from '../../../agent/roll/state.ts';
import { alarmOf, dueAt, type Terms } from '../../../agent/roll/terms.ts';
import { hub, leafOf, NOW, terms as ordinary } from './machine.ts';
import { answer, leafed, served } from './memories.ts';
import { after, type Standing, standing, type Told } from './stage.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A leaf of 400 days, and a renewal that is due with 100 days left. Nobody manages to renew it. */
const current = { ...leafOf('g1', 'a'), notBefore: NOW - 300 * DAY, notAfter: NOW + 100 * DAY };
const serving: Memory = { ...served, current, online: 'T-g1@hub1/gw-1' };
const overdue: Terms = { ...ordinary, automatic: false, renewAt: { leftMs: 100 * DAY } };
const end = current.notAfter;

const THRESHOLDS: readonly (readonly [Alarm, left: number])[] = [
  ['28day', 28 * DAY],
  ['7day', 7 * DAY],
  ['3day', 3 * DAY],
  ['1day', DAY],
  ['12hour', 12 * HOUR],
  ['1hour', HOUR],
  ['expired', 0],
];

describe('the ladder', () => {
  assert.deepEqual(
    THRESHOLDS.map(([alarm]) => alarm),
    ALARMS,
  );
  for (const [index, [alarm, left]] of THRESHOLDS.entries()) {
    test(`${alarm} begins with ${left / HOUR} hours left, and not a millisecond before`, () => {
      assert.equal(alarmOf(serving, overdue, end - left), alarm);
      assert.equal(alarmOf(serving, overdue, end - left - 1), THRESHOLDS[index - 1]?.[0]);
    });
  }
});

describe('an alarm is of use only after the renewal should have been', () => {
  const rows: readonly (readonly [why: string, lifetime: number, Terms['renewAt'], left: number, Alarm | undefined])[] =
    [
      ['ten minutes, at the last millisecond', 10 * MINUTE, { share: 0.66 }, 1, undefined],
      ['ten minutes, at the end', 10 * MINUTE, { share: 0.66 }, 0, 'expired'],
      ['a day is never told of its 12 hours', DAY, { share: 0.66 }, 7 * HOUR, undefined],
      ['but of its last hour', DAY, { share: 0.66 }, HOUR, '1hour'],
      ['thirty days, renewed with 10 left: not of 28', 30 * DAY, { leftMs: 10 * DAY }, 10 * DAY - 1, undefined],
      ['but of 7', 30 * DAY, { leftMs: 10 * DAY }, 7 * DAY, '7day'],
      ['forty days, renewed after four: overdue in the first half', 40 * DAY, { share: 0.1 }, 27 * DAY, '28day'],
      ['off: the first half is quiet', 40 * DAY, 'off', 20 * DAY, undefined],
      ['off: the second half is not', 40 * DAY, 'off', 7 * DAY, '7day'],
    ];
  for (const [why, lifetime, renewAt, left, alarm] of rows) {
    test(`${why} → ${alarm}`, () => {
      const leaf = { ...current, notBefore: end - lifetime };
      assert.equal(alarmOf({ ...serving, current: leaf }, { ...overdue, renewAt }, end - left), alarm);
    });
  }
  test('the millisecond of the renewal itself is quiet', () => {
    const late: Terms = { ...overdue, renewAt: { leftMs: 3 * HOUR } };
    const brief = { ...current, notBefore: end - 4 * HOUR };
    const due = dueAt(brief, late.renewAt) ?? 0;
    const state = { ...serving, current: brief };
    assert.deepEqual(
      [due, due + 1, end - HOUR].map((at) => alarmOf(state, late, at)),
      [undefined, undefined, '1hour'],
    );
  });
});

/** Something that happens at a moment. */
type Happens = readonly [at: number, told: Told];

/** Plays events, and keeps what log and listeners were told of expiry. */
function play(from: Memory, events: readonly Happens[]) {
  const lines: (Line & { readonly level: string })[] = [];
  const heard: object[] = [];
  const to = (level: string) => (line: Line) => void (line.event === 'expiring' && lines.push({ level, ...line }));
  const log: Log = { error: to('error'), warn: to('warn'), info: to('info'), debug: to('debug') };
  const transcript = new Transcript(log, { attestation: 'x509', automatic: true });
  transcript.subscribe((event) => 'type' in event && event.type === 'alarm' && heard.push(event));
  let now: Standing = standing(from, { terms: overdue });
  for (const [at, told] of events) {
    const then = after({ ...now, c: { ...now.c, now: at } }, told);
    if (then.advanced) transcript.tell(now.state, then.advanced, then.advanced.event);
    now = then;
  }
  return { ...now, lines, events: heard };
}

const woken = (at: number): Happens => [at, { kind: 'woken' }];

describe('each alarm is told once', () => {
  const hourly = Array.from({ length: 30 * 24 + 2 }, (_, hours) => woken(end - 30 * DAY + hours * HOUR));

  test('in the log, the nearer the end the louder', () => {
    const { lines } = play(serving, hourly);
    assert.deepEqual(
      lines.map(({ level, reason }) => `${reason} ${level}`),
      ['28day warn', '7day warn', '3day warn', '1day warn', '12hour warn', '1hour error', 'expired error'],
    );
    assert.deepEqual(new Set(lines.map(({ code }) => code)), new Set(['NL-LEAF-EXPIRING', 'NL-LEAF-EXPIRED']));
    for (const { at, thumbprint } of lines) assert.deepEqual([at, thumbprint], [new Date(end).toISOString(), 'T-g1']);
  });

  test('to whoever listens', () => {
    const { events } = play(serving, hourly);
    assert.deepEqual(
      events.map((event) => 'alarm' in event && event.alarm),
      ALARMS,
    );
  });

  test('a gateway that was off is told only the one that holds', () => {
    const { lines } = play(serving, [[end - 2 * DAY, { kind: 'started' }], woken(end - 2 * DAY + 1)]);
    assert.deepEqual(
      lines.map(({ reason }) => reason),
      ['3day'],
    );
  });

  test('a boot in 1970 neither takes it back nor tells it again', () => {
    const start: Happens = [0, { kind: 'started' }];
    const seen = { ...serving, lastSeen: end - 4 * DAY };
    const { state, lines } = play(seen, [woken(end - 3 * DAY), start, woken(MINUTE), woken(end - 3 * DAY + HOUR)]);
    assert.equal(state.alarm, '3day');
    assert.equal(lines.length, 1);
  });
});

describe('where it is to be seen', () => {
  const options = { version: '1', registrationId: 'gw-1', terms: overdue };
  const { memory, state } = play(serving, [woken(end - 3 * DAY)]);

  test('in the status and in the twin', () => {
    const now = end - 3 * DAY;
    const twin = twinOf(statusOf(state, { ...options, now }), 'newleaf');
    assert.equal(statusOf(state, { ...options, now }).alarm, '3day');
    assert.equal('alarm' in twin && twin.alarm, '3day');
    assert.equal(statusOf(state, { ...options, now }).trouble, undefined, 'nothing has failed yet');
  });

  test('expired is trouble, and names who must do what', () => {
    const expired = play(memory, [woken(end)]).state;
    const { alarm, trouble, person } = statusOf(expired, { ...options, now: end });
    assert.deepEqual([alarm, trouble?.code, person], ['expired', 'NL-LEAF-EXPIRED', true]);
  });

  test('the leaf that is promoted takes it away', () => {
    const leaf = { ...leafOf('g2', 'b'), notAfter: end + 400 * DAY };
    const answers = { 'register next': answer('accepted') };
    const proving: Memory = { ...memory, next: leafed(leaf), at: { current: hub, next: hub }, answers };
    const at = end - 2 * DAY;
    const connected = { kind: 'connected', thumbprint: 'T-g2', hub: 'hub1/gw-1' } as const;
    const promoted = play(proving, [[at, connected]]).state;
    assert.equal(promoted.current?.thumbprint, 'T-g2');
    assert.equal('alarm' in promoted, false);
    const twin = twinOf(statusOf(promoted, { ...options, now: at }), 'newleaf');
    assert.equal('alarm' in twin && twin.alarm, undefined);
  });
});
