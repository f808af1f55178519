import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Code, failure } from '../../../agent/failure/failure.ts';
import { advance, signalsOf } from '../../../agent/roll/advance.ts';
import { budgetLeft } from '../../../agent/roll/budget.ts';
import type { KeyWanted } from '../../../agent/roll/candidate.ts';
import { without } from '../../../agent/roll/moves.ts';
import type { RollEvent, RollState } from '../../../agent/roll/state.ts';
import { unprovisioned } from '../../../agent/roll/state.ts';
import { dueAt, lastResortAt } from '../../../agent/roll/terms.ts';
import { made, sent, wanted } from './candidates.ts';
import { hub, NOW, terms } from './machine.ts';
import { candidate, current, HOUR, MINUTE, notEnrolled, request, rest, tight, waits } from './standing.ts';

const serving: RollState = {
  ...unprovisioned,
  phase: 'serving',
  current,
  assignment: hub,
  registered: terms.registered,
  budget: { left: 10, at: NOW },
};
const limited = { ...terms, ...tight };
const woken = { kind: 'woken', at: NOW, draw: 0.5 } as const;
const DUE = dueAt(current, terms.renewAt) ?? 0;
const LAST_RESORT = lastResortAt(current, terms.renewAt);

describe('the most urgent of the planned moments is the signal', () => {
  const scheduled = { ...request('roll', 'method'), startAt: NOW };
  const asleep = { ...waits, rest: { ...rest, askAt: NOW + 1 } };
  const keyless = (code: Code, askAt: number, more: Partial<KeyWanted> = {}): RollState => ({
    ...serving,
    next: { ...wanted(), ...more, rest: { failure: failure(code), askAt } },
  });
  const second = { isSecond: true } as const;
  const unsigned = { ...second, isUnsigned: true } as const;
  const rows: readonly (readonly [why: string, RollState, at: number, signal: string | undefined])[] = [
    ['nothing has come', serving, NOW, undefined],
    ['a scheduled request, a millisecond before', { ...serving, scheduled }, NOW - 1, undefined],
    ['a scheduled request', { ...serving, scheduled }, NOW, 'asked'],
    ['goes before everything else', { ...serving, scheduled, next: waits }, DUE, 'asked'],
    ['one that a clock planned which has been set back by a day', { ...serving, scheduled }, NOW - 25 * HOUR, 'asked'],
    ['a new gateway', unprovisioned, NOW, 'provisioning'],
    ['a probe, a millisecond before', { ...serving, next: asleep }, NOW, undefined],
    ['a probe', { ...serving, next: waits }, NOW, 'probe'],
    ['one that was planned before the clock was set back', { ...serving, next: waits }, NOW - 3 * HOUR, 'probe'],
    [
      'the candidate has expired',
      { ...serving, next: { ...waits, leaf: { ...candidate, notAfter: NOW } } },
      NOW,
      'candidate-expired',
    ],
    ['so has one that is worked on', { ...serving, next: sent() }, candidate.notAfter, 'candidate-expired'],
    [
      'stranded: its own probe counts, not that of the candidate',
      { ...serving, phase: 'stranded', next: waits },
      NOW,
      undefined,
    ],
    [
      'stranded with a leaf that has expired: another leaf is worth more than an answer about that one',
      { ...serving, phase: 'stranded', probe: { times: 1, askAt: DUE }, current: { ...current, notAfter: DUE } },
      current.notAfter,
      'due',
    ],
    ['stranded: time to ask', { ...serving, phase: 'stranded', probe: { times: 1, askAt: NOW } }, NOW, 'probe'],
    [
      'what was registered is not what the configuration says',
      { ...serving, registered: 'scope/gw-2@dps' },
      NOW,
      'configuration',
    ],
    ['goes before a renewal', { ...serving, registered: 'scope/gw-2@dps' }, DUE, 'configuration'],
    ['a journal that does not know what was registered', without(serving, 'registered'), NOW, undefined],
    ['due, a millisecond before', serving, DUE - 1, undefined],
    ['due', serving, DUE, 'due'],
    [
      'the token makes no key, and half of the time is gone',
      keyless('NL-TOKEN-FAILED', NOW),
      LAST_RESORT,
      'last-resort',
    ],
    ['a millisecond before', keyless('NL-TOKEN-FAILED', NOW), LAST_RESORT - 1, 'probe'],
    ['its ladder goes on meanwhile', keyless('NL-TOKEN-FAILED', LAST_RESORT + 1), LAST_RESORT, 'due'],
    ['both places are taken: at once', keyless('NL-TOKEN-OCCUPIED', LAST_RESORT + 1), LAST_RESORT, 'last-resort'],
    [
      'also for a second key, as the first was lost',
      keyless('NL-TOKEN-OCCUPIED', LAST_RESORT + 1, second),
      LAST_RESORT,
      'last-resort',
    ],
    [
      'but not again at once, as the token signs no CSR with the key that it has',
      keyless('NL-TOKEN-OCCUPIED', LAST_RESORT + 1, unsigned),
      LAST_RESORT,
      'due',
    ],
    ['then by the ladder', keyless('NL-TOKEN-OCCUPIED', NOW, unsigned), LAST_RESORT, 'last-resort'],
    [
      'but where the key of its leaf is lost, there is none to renew it with',
      { ...keyless('NL-TOKEN-FAILED', NOW), sessionTrouble: { failure: failure('NL-TOKEN-KEY'), at: NOW } },
      LAST_RESORT,
      'probe',
    ],
    ['but where its issuer refuses, the same key helps nobody', keyless('NL-EST-REFUSED', NOW), LAST_RESORT, 'probe'],
  ];
  for (const [why, state, at, signal] of rows) {
    test(`${why} → ${signal}`, () => assert.equal(signalsOf(state, { ...woken, at }, terms)[0]?.kind, signal));
  }
  test('a configuration is new to the process that has just read it, and to no other', () => {
    const changed = { ...serving, registered: 'scope/gw-2@dps' };
    const told = (['started', 'woken'] as const).map((kind) => signalsOf(changed, { ...woken, kind }, terms));
    assert.deepEqual(told, [[{ kind: 'configuration', isNew: true }], [{ kind: 'configuration', isNew: false }]]);
  });
});

describe('which failures are signals', () => {
  const refused = notEnrolled.kind === 'dps-refused' ? notEnrolled.failure : undefined;
  assert.ok(refused);
  const outage = { ...refused, kind: 'transient' } as const;
  const register = (leaf = current) => ({ kind: 'register', leaf }) as const;
  const connect = (leaf = current) => ({ kind: 'connect', leaf, assignment: hub }) as const;
  const failed = (effect: Extract<RollEvent, { kind: 'failed' }>['effect'], failure = refused): RollEvent => ({
    ...woken,
    kind: 'failed',
    effect,
    failure,
  });
  const rows: readonly (readonly [why: string, RollEvent, signal: string | undefined])[] = [
    ['the hub refuses the current leaf', failed(connect()), 'rejected'],
    ['the hub refuses the candidate', failed(connect(candidate)), undefined],
    ['the hub cannot be reached', failed(connect(), { ...outage }), undefined],
    ['DPS refuses the current leaf', failed(register()), 'dps-refused'],
    ['DPS refuses the candidate', failed(register(candidate)), undefined],
    ['DPS cannot be reached', failed(register(), { ...outage }), undefined],
    ['the issuer refuses', failed({ kind: 'request-leaf', key: candidate.key }), undefined],
    [
      'the session has ended',
      { ...woken, kind: 'lost', thumbprint: current.thumbprint, heldMs: 1, failure: outage },
      undefined,
    ],
  ];
  for (const [why, event, signal] of rows) {
    test(`${why} → ${signal}`, () => assert.equal(signalsOf(serving, event, terms)[0]?.kind, signal));
  }
});

describe('the alarm', () => {
  // Renewal waits for a person, so that the leaf is overdue and nothing else happens.
  const manual = { ...terms, automatic: false, renewAt: { leftMs: 29 * HOUR } };
  const late = { ...woken, at: current.notAfter - 12 * HOUR };
  const alarmed = advance(serving, late, manual).state;
  test('is raised when the time has come', () => assert.equal(alarmed.alarm, '12hour'));
  test('and changes nothing while it stays', () => assert.equal(advance(alarmed, late, manual).state, alarmed));
  test('is taken back with a clock that was wrong', () => {
    assert.equal(advance(alarmed, { ...woken, at: NOW }, manual).state.alarm, undefined);
  });
  test('is not looked at where no time passes', () => {
    const lost = { ...late, kind: 'lost', thumbprint: current.thumbprint, heldMs: 1, failure: rest.failure } as const;
    assert.equal(advance(serving, lost, manual).state.alarm, undefined);
  });
});

describe('the budget', () => {
  const ask = (from: 'method' | 'technician', delayMs = 0): RollEvent => ({
    ...woken,
    kind: 'asked',
    request: request('re-register', from),
    delayMs,
    discard: false,
  });
  const refusal = { ...woken, kind: 'failed', effect: { kind: 'connect', leaf: current, assignment: hub } } as const;
  const rejected: RollEvent = {
    ...refusal,
    failure: { kind: 'refused', code: 'NL-HUB-REJECTED', message: '', advice: '' },
  };
  const rows: readonly (readonly [why: string, Partial<RollState>, RollEvent, left: number])[] = [
    ['a method costs one', {}, ask('method'), 9],
    ['one that is to begin later costs it at once', {}, ask('method', HOUR), 9],
    ['a technician costs nothing', {}, ask('technician'), 10],
    ['a refusal by the hub costs one', {}, rejected, 9],
    ['one within the grace costs nothing', { grace: 0 }, rejected, 10],
    ['one that is answered by nothing costs nothing', { budget: { left: 0.5, at: NOW } }, rejected, 0.5],
    ['a renewal costs nothing', {}, { ...woken, at: DUE }, 10],
    [
      'what was charged when it was accepted is not charged again',
      { scheduled: { ...request('roll', 'method'), startAt: NOW } },
      woken,
      10,
    ],
  ];
  for (const [why, part, event, left] of rows) {
    test(why, () => {
      const { state } = advance({ ...serving, ...part }, event, limited);
      assert.equal(budgetLeft(state, limited, event.at), left);
    });
  }

  test('is earned back by the hour, and never above the burst', () => {
    const spent = { ...serving, budget: { left: 0, at: NOW } };
    const earned = [0, 3, 4.5, 30, 31, 9999].map((minutes) => budgetLeft(spent, limited, NOW + minutes * MINUTE));
    assert.deepEqual(earned, [0, 1, 1.5, 10, 10, 10]);
  });

  test('lasts for the burst, then for one in three minutes', () => {
    let state = serving;
    let acted = 0;
    for (let minute = 0; minute < 60; minute += 1) {
      const free: RollState = { ...without(state, 'request', 'ask'), phase: 'serving' };
      const { decision, state: after } = advance(free, { ...ask('method'), at: NOW + minute * MINUTE }, limited);
      acted += decision?.action === 're-register' ? 1 : 0;
      state = after;
    }
    assert.equal(acted, 10 + 19);
  });
});

describe('a CSR of another key', () => {
  const waiting: RollState = { ...serving, next: made('delivery') };
  const csr = { kind: 'csr-asked', newKey: true, from: 'method', at: NOW, draw: 0.5 } as const;
  const rows: readonly (readonly [
    why: string,
    RollState,
    Partial<typeof csr> | object,
    phase: string,
    left: number,
  ])[] = [
    ['a method pays for it', waiting, {}, 'retiring-key', 9],
    ['without a budget it does not get it', { ...waiting, budget: { left: 0, at: NOW } }, {}, 'serving', 0],
    ['a technician does not pay', waiting, { from: 'technician' }, 'retiring-key', 10],
    ['the first key costs nothing', without(waiting, 'next'), {}, 'generating-key', 10],
    ['nor does a CSR of the key that is there', waiting, { newKey: false }, 'serving', 10],
    [
      'nor one for a key that DPS may trust',
      { ...waiting, next: { ...made('delivery'), isKeyTrusted: true } },
      {},
      'serving',
      10,
    ],
    ['nor one that cannot be had', { ...waiting, next: waits }, {}, 'serving', 10],
  ];
  for (const [why, state, event, phase, left] of rows) {
    test(why, () => {
      const after = advance(state, { ...csr, ...event }, limited).state;
      assert.deepEqual([after.phase, budgetLeft(after, limited, NOW)], [phase, left]);
    });
  }
});
