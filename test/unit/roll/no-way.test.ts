import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { type Answer, blank, type Circumstances, type Memory } from '../../../agent/roll/core/memory.ts';
import { noWay } from '../../../agent/roll/core/no-way.ts';
import { plan } from '../../../agent/roll/core/plan.ts';
import { firstLeaf, HOUR, hub, MINUTE, NOW, terms } from '../../walk/pair.ts';

const current = firstLeaf('a');
const online = `${current.thumbprint}@${hub.hub}/${hub.deviceId}`;
const next = { key: { slot: 'b', id: 'k1' }, because: 'due' } as const;
const no = (minutes: number, retryAfterMs: number): Answer => ({
  verdict: 'silent',
  failure: failure('NL-TOKEN-FAILED', { retryAfterMs }),
  times: 1,
  at: NOW - minutes * MINUTE,
  up: 3 * HOUR - minutes * MINUTE,
  draw: 0,
});
/** Each key that it could make waits for another to go. */
const stuck: Memory = {
  ...blank,
  next,
  old: [{ slot: 'b', id: 'k0' }],
  answers: { 'destroy k0': no(0, 2 * HOUR) },
};

const TABLE: readonly (readonly [string, Memory, boolean, Partial<Circumstances>?])[] = [
  ['it serves', { ...blank, current, at: { current: hub }, online }, true],
  ['it serves, and the key of the next leaf has no moment', { ...stuck, current, at: { current: hub }, online }, true],
  ['its session is opened again', { ...blank, current, at: { current: hub } }, true],
  ['the place of the next key is made free in two hours', stuck, false],
  ['the same, half an hour ago', { ...stuck, answers: { 'destroy k0': no(90, 2 * HOUR) } }, true],
  ['an old key goes, but the next one has no need of its place', { ...stuck, old: [{ slot: 'a', id: 'k0' }] }, true],
  ['nothing is asked of a leaf that a person is to bring', blank, true, { terms: { ...terms, automatic: false } }],
  ['by a clock that is wrong nothing is judged', stuck, true, { now: terms.builtAt - 1 }],
  ['work is in flight', stuck, true, { flying: { work: { kind: 'destroy-key', key: { slot: 'b', id: 'k0' } } } }],
];

for (const [standing, memory, isWay, other] of TABLE)
  test(`${standing}: ${isWay ? 'a way is there' : 'NL-NO-WAY'}`, () => {
    const c = { now: NOW, up: 3 * HOUR, age: HOUR, draw: 0.5, terms, flying: {}, ...other };
    assert.equal(noWay(memory, plan(memory, c), c)?.code, isWay ? undefined : 'NL-NO-WAY');
  });
