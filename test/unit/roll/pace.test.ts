import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Code, failure } from '../../../agent/failure/failure.ts';
import {
  type Answer,
  type Circumstances,
  isNewer,
  type Memory,
  type Question,
} from '../../../agent/roll/core/memory.ts';
import { budgetWait, spend, waitFor, waitForDps, waitForPlace, waitForSession } from '../../../agent/roll/core/pace.ts';
import { NOW, terms } from './machine.ts';
import { answer, circumstances, leafed, named, served, serving } from './memories.ts';
import { current, HOUR, MINUTE, request } from './standing.ts';

/** A leaf whose end is far: no pause is half of its life. */
const far = (memory: Memory): Memory => ({ ...memory, current: { ...current, notAfter: NOW + 9_000 * HOUR } });

const waiting = (question: Question, told: Answer, memory = serving, change: Partial<Circumstances> = {}): number =>
  Math.round(
    waitFor(question, far({ ...memory, answers: { ...memory.answers, [question]: told } }), circumstances(change)) /
      1_000,
  ) / 60;

const both: Memory = { ...served, next: leafed() };
const barred: Memory = { ...both, answers: { 'connect current': answer('refused', 'NL-HUB-REJECTED') } };
const unknown: Memory = { ...serving, at: {} };
/** The hub refuses the candidate, and the token does or does not sign for the current leaf. */
const hubRefuses = answer('refused', 'NL-HUB-REJECTED');
const pair: Memory = { ...both, answers: { 'connect next': hubRefuses } };
const unsigned = { 'register current': answer('broken', 'NL-TOKEN-KEY') };

/** With the middle of all jitter. */
describe('minutes until it is asked again', () => {
  type Row = readonly [
    question: Question,
    verdict: Answer['verdict'],
    code: Code | undefined,
    times: number,
    least: number,
    most: number,
    memory?: Memory,
  ];
  const rows: readonly Row[] = [
    ['dps', 'silent', 'NL-DPS-TIMEOUT', 1, 0.05, 0.3],
    ['dps', 'silent', 'NL-DPS-TIMEOUT', 20, 55, 75],
    ['dps', 'silent', 'NL-DPS-TIMEOUT', 20, 35, 40, both],
    ['register current', 'silent', 'NL-DPS-TIMEOUT', 9, 0, 0],
    ['register current', 'accepted', undefined, 1, 0, 0],
    ['register current', 'accepted', undefined, 2, 60, 70],
    ['register current', 'refused', 'NL-DPS-401002', 1, 60, 70],
    ['register current', 'refused', 'NL-DPS-401002', 1, 5, 6, unknown],
    ['register current', 'broken', 'NL-TOKEN-FAILED', 1, 0, 0.2],
    ['register next', 'refused', 'NL-DPS-401002', 1, 5, 6],
    ['register next', 'refused', 'NL-DPS-401002', 2, 15, 18],
    ['register next', 'refused', 'NL-DPS-401002', 3, 60, 70],
    ['register next', 'refused', 'NL-DPS-401002', 9, 60, 70],
    ['register next', 'refused', 'NL-DPS-401002', 9, 70, 80, barred],
    ['register next', 'silent', 'NL-DPS-TIMEOUT', 2, 0, 0, pair],
    ['register next', 'silent', 'NL-DPS-TIMEOUT', 3, 73, 76, pair],
    ['register next', 'silent', 'NL-DPS-TIMEOUT', 3, 0, 0, { ...pair, answers: { ...pair.answers, ...unsigned } }],
    ['register next', 'silent', 'NL-DPS-TIMEOUT', 6, 0, 0, barred],
    ['register next', 'silent', 'NL-DPS-TIMEOUT', 9, 70, 80, barred],
    ['register next', 'accepted', undefined, 1, 5, 6, { ...barred, answers: { ...barred.answers, ...unsigned } }],
    ['register current', 'broken', 'NL-TOKEN-KEY', 1, 5, 6],
    ['register next', 'broken', 'NL-TOKEN-KEY', 2, 15, 18, { ...both, answers: { roll: answer('refused') } }],
    ['register next', 'refused', 'NL-DPS-401002', 2, 60, 70, { ...both, answers: { roll: answer('refused') } }],
    ['connect current', 'silent', 'NL-HUB-UNREACHABLE', 1, 0, 0.1],
    ['connect current', 'silent', 'NL-HUB-UNREACHABLE', 99, 0.9, 1.3],
    ['make', 'broken', 'NL-TOKEN-FAILED', 1, 0, 0.5],
    ['make', 'broken', 'NL-TOKEN-OCCUPIED', 1, 5, 6],
    ['issue', 'refused', 'NL-EST-REFUSED', 1, 5, 6],
    ['issue', 'refused', 'NL-EST-REFUSED', 3, 60, 70],
    ['roll', 'refused', undefined, 1, 0, 0],
    ['roll', 'refused', undefined, 2, 60, 60],
    ['destroy g9', 'broken', 'NL-TOKEN-FAILED', 4, 0, 10],
    ['destroy g9', 'broken', 'NL-TOKEN-FAILED', 5, 1_440, 1_440],
  ];
  for (const [question, verdict, code, times, least, most, memory] of rows) {
    test(`${question} ${verdict} ${times} ${code ?? ''}: ${least} to ${most}`, () => {
      const minutes = waiting(question, answer(verdict, code, { times }), memory);
      assert.ok(minutes >= least && minutes <= most, `${minutes}`);
    });
  }
});

describe('what a pause is counted by', () => {
  const told = answer('refused', 'NL-EST-REFUSED');
  const { up: _, ...before } = told;
  test('the clock of this process, whatever the wall clock does', () => {
    assert.equal(waiting('issue', told, serving, { now: NOW + 99 * HOUR }), waiting('issue', told));
    assert.ok(waiting('issue', told, serving, { up: 2 * HOUR }) < 0);
  });
  test('the wall clock for an answer of a process before, which came before this one began', () => {
    assert.ok(waiting('issue', before, serving, { up: 99 * HOUR, age: 0 }) > 5);
    assert.ok(waiting('issue', before, serving, { now: NOW + 6 * MINUTE, age: 0 }) < 0);
    const later = { ...before, at: NOW + HOUR };
    assert.ok(waiting('issue', later, serving, { age: MINUTE }) > 4);
    assert.ok(waiting('issue', later, serving, { age: 6 * MINUTE }) < 0);
  });
  test('one of this process is newer than one of the process before, whatever the wall clock says', () => {
    const later = { ...before, at: NOW + HOUR };
    assert.deepEqual([isNewer(told, later), isNewer(later, told), isNewer(later, before)], [true, false, true]);
  });
  test('all that came to nothing in a row, whatever it was', () => {
    const mixed = answer('silent', 'NL-CMD-FAILED', { tries: 12 });
    assert.ok(waiting('issue', mixed) > 10);
    assert.ok(waiting('issue', answer('silent', 'NL-CMD-FAILED')) < 1);
  });
  test('no more than half of what is left of the leaf', () => {
    const dying = { ...serving, current: { ...current, notAfter: NOW + 4 * MINUTE }, answers: { issue: told } };
    assert.ok(waitFor('issue', dying, circumstances()) <= 2 * MINUTE);
  });
  test('what a server asks for, and an hour where nothing serves', () => {
    const later = { ...answer('silent'), failure: failure('NL-EST-SERVER', { retryAfterMs: 24 * HOUR }) };
    assert.ok(waiting('issue', later) >= 24 * 60);
    assert.ok(waiting('issue', later, served) <= 75);
  });
});

describe('at once is asked', () => {
  const told = answer('refused', 'NL-EST-REFUSED', { times: 9 });
  const ask = { request: request('roll') };
  const rows: readonly (readonly [what: string, Memory, isNow: boolean])[] = [
    ['what was never asked', serving, true],
    ['what is to be asked again', { ...serving, answers: { issue: { ...told, again: true } } }, true],
    ['what a technician has asked for', { ...serving, answers: { issue: told }, ask: { ...ask, heard: [] } }, true],
    [
      'but not what was answered since',
      { ...serving, answers: { issue: told }, ask: { ...ask, heard: ['issue'] } },
      false,
    ],
    ['nor for a request of newleaf', { ...serving, answers: { issue: told }, ask }, false],
  ];
  for (const [what, memory, isNow] of rows)
    test(what, () => assert.equal(waitFor('issue', far(memory), circumstances()) <= 0, isNow));
  test('a registration waits for DPS as well, about whichever leaf it was silent', () => {
    const silent = far({ ...serving, answers: { dps: answer('silent', 'NL-DPS-TIMEOUT', { times: 9 }) } });
    assert.equal(waitFor('register next', silent, circumstances()), 0);
    assert.ok(waitForDps('next', silent, circumstances()) > 10 * MINUTE);
  });
  test('a key in the place of the next one is not left alone for a day', () => {
    const blocked = {
      ...serving,
      next: named(),
      answers: { 'destroy g9': answer('broken', 'NL-TOKEN-FAILED', { times: 5 }) },
    };
    assert.ok(waitForPlace('g9', blocked, circumstances()) <= 6 * MINUTE);
  });
  test('after an end that calls for a pause, the session waits for it', () => {
    const end = { failure: failure('NL-HUB-FLAPPING', { retryAfterMs: 5 * MINUTE }), at: NOW, up: HOUR };
    assert.equal(waitForSession(served, circumstances()), 0);
    assert.ok(waitForSession({ ...served, end }, circumstances()) >= 5 * MINUTE);
  });
});

describe('the budget of a day', () => {
  const after = (times: number): Memory =>
    Array.from({ length: times }).reduce<Memory>((memory) => spend('register', memory, circumstances()), far(serving));
  test('eight registrations cost no wait, the ninth half an hour', () => {
    assert.equal(budgetWait('register', after(7), circumstances()), 0);
    assert.equal(budgetWait('register', after(8), circumstances()), 37 * MINUTE);
    assert.equal(budgetWait('register', after(8), circumstances({ up: HOUR + 37 * MINUTE })), 0);
  });
  test('it takes no more than half of what is left of the leaf, and counts each kind alone', () => {
    const dying = { ...after(8), current: { ...current, notAfter: NOW + 4 * MINUTE } };
    assert.equal(budgetWait('register', dying, circumstances()), 2 * MINUTE);
    const later = circumstances({ now: NOW + MINUTE, up: HOUR + MINUTE });
    assert.equal(budgetWait('register', dying, later), MINUTE, 'its moment does not move');
    assert.equal(budgetWait('request-leaf', after(8), circumstances()), 0);
    assert.equal(budgetWait('destroy-key', after(8), circumstances({ terms })), 0);
  });
});
