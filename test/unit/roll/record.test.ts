import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { anew } from '../../../agent/roll/core/anew.ts';
import { leafless } from '../../../agent/roll/core/generation.ts';
import type { Memory } from '../../../agent/roll/core/memory.ts';
import { record } from '../../../agent/roll/core/record.ts';
import type { RollEvent } from '../../../agent/roll/state.ts';
import { HOUR, hub, NOW, terms } from './machine.ts';
import { answer, circumstances, leafed, MEMORIES, made, named, served, serving, trusted } from './memories.ts';
import type { Told } from './stage.ts';
import { candidate, current } from './standing.ts';

const tell = (memory: Memory, told: Told): Memory =>
  record(memory, { ...told, at: NOW, up: HOUR, draw: 0.5 } as RollEvent & { up: number });

const registered = (thumbprint: string): Told => ({
  kind: 'registered',
  thumbprint,
  assignment: hub,
  as: terms.registered,
});
const connected = (thumbprint: string): Told => ({ kind: 'connected', thumbprint, hub: 'hub1/gw-1' });
const failed = (effect: Extract<Told, { kind: 'failed' }>['effect'], code: Parameters<typeof failure>[0]): Told => ({
  kind: 'failed',
  effect,
  failure: failure(code),
});
const register = (leaf = current) => ({ kind: 'register', leaf }) as const;
const connect = (leaf = current) => ({ kind: 'connect', leaf, assignment: hub }) as const;
const both: Memory = { ...MEMORIES['registering-next'], at: { current: hub } };
const isNew = { ...both, trusts: [trusted(current), { ...trusted(candidate), isNew: true as const }] };
const proving = MEMORIES['connecting-next'];

describe('registered last wins', () => {
  test('DPS accepts the next leaf: it trusts this one, and no other', () => {
    const { trusts, at } = tell(both, registered(candidate.thumbprint));
    assert.deepEqual([trusts, at], [[trusted(candidate)], { current: hub, next: hub }]);
  });
  test('it accepts the current one: the next has lost its assignment', () => {
    const { trusts, at } = tell(proving, registered(current.thumbprint));
    assert.deepEqual([trusts, at], [[trusted(current)], { current: hub }]);
  });
  test('what the hub has said before is forgotten: it has its time', () => {
    const refused = { ...served, answers: { 'connect current': answer('refused', 'NL-HUB-REJECTED', { times: 9 }) } };
    assert.equal(tell(refused, registered(current.thumbprint)).answers['connect current'], undefined);
  });
  test('and so is the pause after sessions that ended at once: DPS may have named another hub', () => {
    const flapping = { ...served, flaps: 3, end: { failure: failure('NL-HUB-FLAPPING'), at: NOW, up: 0 } };
    assert.equal(tell(flapping, registered(current.thumbprint)).end, undefined);
  });
  test('DPS refuses an attempt that was the first of its leaf: it has never trusted it', () => {
    assert.deepEqual(tell(isNew, failed(register(candidate), 'NL-DPS-401002')).trusts, [trusted(current)]);
  });
  test('a second one, or one without an answer, may have been heard', () => {
    assert.equal(tell(both, failed(register(candidate), 'NL-DPS-401002')).trusts.length, 2);
    assert.equal(tell(isNew, failed(register(candidate), 'NL-DPS-TIMEOUT')).trusts.length, 2);
  });
  test('a hub that is not allowed: DPS has pinned the leaf all the same', () => {
    assert.deepEqual(tell(isNew, failed(register(candidate), 'NL-DPS-HUB')).trusts, [trusted(candidate)]);
  });
});

describe('prove, then promote', () => {
  test('the hub accepts the next leaf: it is current, and only then its key before is to be destroyed', () => {
    const after = tell(proving, connected(candidate.thumbprint));
    assert.deepEqual(
      [after.current, after.old, after.next, after.at],
      [candidate, [current.key], undefined, { current: hub }],
    );
    assert.deepEqual([after.ask, after.outcomes[0]?.outcome], [undefined, 'done']);
  });
  test('the hub accepts the current leaf meanwhile: that proves nothing of the next one', () => {
    assert.deepEqual(tell(proving, connected(current.thumbprint)).current, current);
  });
  test('a key is destroyed: it is on the list no more, and the others are', () => {
    const [one, two] = [{ slot: 'b', id: 'g8' } as const, { slot: 'b', id: 'g9' } as const];
    assert.deepEqual(tell({ ...serving, old: [one, two] }, { kind: 'key-destroyed', id: 'g9' }).old, [one]);
  });
  test('of what has ended, the last ten are kept', () => {
    let memory = proving;
    for (let times = 0; times < 12; times += 1)
      memory = { ...tell({ ...proving, outcomes: memory.outcomes }, connected(candidate.thumbprint)) };
    assert.equal(memory.outcomes.length, 10);
  });
  test('a key that was given, or is kept, is never old', () => {
    const given = { ...proving, current: { ...current, key: { slot: 'given', id: 'f0' } as const } };
    assert.deepEqual(tell(given, connected(candidate.thumbprint)).old, []);
    const kept = { ...proving, next: leafed({ ...candidate, key: current.key }) };
    assert.deepEqual(tell(kept, connected(candidate.thumbprint)).old, []);
  });
});

describe('answers', () => {
  test('are counted in a row; another verdict begins anew', () => {
    const silent = failed(connect(), 'NL-HUB-UNREACHABLE');
    const twice = tell(tell(served, silent), silent);
    assert.equal(twice.answers['connect current']?.times, 2);
    assert.equal(tell(twice, failed(connect(), 'NL-HUB-REJECTED')).answers['connect current']?.times, 1);
  });
  test('the silence of DPS is one for both leaves; an answer takes one rung of it away, and not all', () => {
    const silent = tell(
      tell(tell(both, failed(register(), 'NL-DPS-TIMEOUT')), failed(register(candidate), 'NL-DPS-TIMEOUT')),
      failed(register(), 'NL-DPS-TIMEOUT'),
    );
    assert.equal(silent.answers.dps?.times, 3);
    assert.equal(tell(silent, failed(register(), 'NL-DPS-401002')).answers.dps?.times, 2);
  });
  test('a token that does not sign for the current leaf is counted beside what it was asked for', () => {
    const once = tell(served, failed(connect(), 'NL-TOKEN-KEY'));
    assert.equal(tell(once, failed(register(), 'NL-TOKEN-FAILED')).answers.sign?.times, 2);
    assert.equal(
      tell(once, failed(connect(), 'NL-HUB-REJECTED')).answers.sign,
      undefined,
      'a server has seen the signature',
    );
  });
  test('the key of a CSR that the token does not have is not made', () => {
    const requesting = { ...serving, next: made() };
    assert.equal(
      tell(requesting, failed({ kind: 'request-leaf', key: candidate.key }, 'NL-TOKEN-KEY')).next?.isMade,
      undefined,
    );
  });
  test('a clock that was set makes all of it asked again, but what DPS has accepted, and what a server put off', () => {
    const later = { ...answer('silent'), failure: failure('NL-DPS-THROTTLED', { retryAfterMs: HOUR }) };
    const answers = { 'register current': answer('accepted'), dps: later, issue: answer('refused', 'NL-EST-REFUSED') };
    const woken = { kind: 'woken', isStepped: true, at: NOW, draw: 0.5 } as const;
    const after = anew(serving, { ...serving, answers }, woken, circumstances()).answers;
    assert.deepEqual(
      [after['register current']?.again, after.dps?.again, after.issue?.again],
      [undefined, undefined, true],
    );
  });
});

describe('a leaf that is given up', () => {
  const refused = (from: 'issuer' | 'person'): Memory => ({
    ...served,
    next: { ...leafed(), from },
    answers: { 'register next': answer('refused', 'NL-DPS-401002') },
  });
  for (const [from, times] of [
    ['issuer', 1],
    ['person', undefined],
  ] as const)
    test(`one of ${from} that was refused counts as a roll in vain: ${times !== undefined}`, () =>
      assert.equal(leafless(refused(from), circumstances()).answers.roll?.times, times));
});

describe('what changes nothing', () => {
  const rows: readonly (readonly [what: string, Memory, Told])[] = [
    ['a look at the clock', serving, { kind: 'woken' }],
    ['a stranger is registered', serving, registered('T-g9')],
    ['a stranger is connected', serving, connected('T-g9')],
    ['a candidate is connected that DPS has not assigned', both, connected(candidate.thumbprint)],
    [
      'the session of another leaf ends',
      serving,
      { kind: 'lost', thumbprint: 'T-g9', heldMs: 1, failure: failure('NL-HUB-LOST') },
    ],
    [
      'a key is made that was not named',
      { ...serving, next: named() },
      { kind: 'key-generated', key: { slot: 'b', id: 'x' } },
    ],
    [
      'a leaf comes for another key',
      { ...serving, next: made() },
      { kind: 'leaf-issued', leaf: { ...candidate, key: { slot: 'b', id: 'x' } } },
    ],
    ['a leaf comes for a candidate that has one', both, { kind: 'leaf-issued', leaf: candidate }],
    ['work fails that was given up', serving, failed(register(candidate), 'NL-DPS-401002')],
  ];
  for (const [what, memory, told] of rows) test(what, () => assert.deepEqual(tell(memory, told), memory));
});
