import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Code, failure } from '../../../agent/failure/failure.ts';
import { entryOf, memoryOf } from '../../../agent/roll/core/entry.ts';
import { type Memory, without } from '../../../agent/roll/core/memory.ts';
import { plan } from '../../../agent/roll/core/plan.ts';
import { placeOf } from '../../../agent/roll/leaf.ts';
import type { Phase } from '../../../agent/roll/phase.ts';
import { heed } from '../../../agent/roll/poison.ts';
import type { RollEffect } from '../../../agent/roll/state.ts';
import { hub, NOW, terms } from './machine.ts';
import { circumstances, MEMORIES, served } from './memories.ts';
import { after, briefly, standing } from './stage.ts';
import { candidate, current, HOUR, MINUTE } from './standing.ts';

const poisoned = failure('NL-TOKEN-POISONED', { message: 'Generating the key: it does not work (CKR_GENERAL_ERROR).' });

const workOf = (memory: Memory): RollEffect => {
  const [effect] = plan(memory, circumstances()).asks;
  assert.ok(effect);
  return effect;
};

/** An effect meets a module that has lost its state. */
const meets = (memory: Memory, effect: RollEffect, at = NOW, stays?: Code, by = terms) =>
  heed(
    memory,
    {
      kind: 'failed',
      effect,
      failure: poisoned,
      at,
      draw: 0.5,
      ...(stays && { stays: failure(stays, { message: 'No token matches label "gw".' }) }),
    },
    by,
  );

/** The memory of a new process, with or without a session. */
const again = ({ state }: { readonly state: Memory }, online = state.online): Memory => ({
  ...memoryOf(entryOf(state)),
  ...(online !== undefined && { online }),
});

const WORK: readonly Phase[] = [
  'generating-key',
  'requesting-leaf',
  'registering-next',
  'connecting-next',
  'registering',
  'retiring-key',
];

describe('what costs a process costs the next one nothing', () => {
  for (const phase of WORK) {
    const memory = MEMORIES[phase];
    const effect = workOf(memory);
    const first = meets(memory, effect);
    test(`${phase}: the first time a new process may heal it; the next one remembers, and goes on`, () => {
      assert.equal(first.restart, true);
      const second = meets(again(first), effect);
      assert.equal(second.restart, undefined);
      assert.ok(second.event.kind === 'failed' && second.event.isMetAnew === true);
      const { code, message } = second.event.failure;
      assert.deepEqual([code, message], ['NL-TOKEN-FAILED', poisoned.message]);
    });
    test(`${phase}: once every six hours a new process is worth it again; without a session after 5, 15, and 60 minutes`, () => {
      const isWorth = (from: Memory, ms: number) => meets(from, effect, NOW + ms).restart;
      assert.deepEqual(
        [6 * HOUR - 1, 6 * HOUR].map((ms) => isWorth(again(first), ms)),
        [undefined, true],
      );
      let offline = without(again(first), 'online');
      let at = NOW;
      for (const minutes of [5, 15, 60, 60]) {
        const pause = minutes * MINUTE;
        assert.equal(meets(offline, effect, at + pause - 1).restart, undefined, `${minutes}`);
        at += pause;
        const next = meets(offline, effect, at);
        assert.equal(next.restart, true, `${minutes}`);
        offline = without(again(next), 'online');
      }
    });
    test(`${phase}: a clock that was set back costs one more process, and is the measure from then on`, () => {
      const back = meets(again(first), effect, NOW - HOUR);
      assert.equal(back.restart, true);
      assert.equal(meets(again(back), effect, NOW - HOUR).restart, undefined);
    });
    test(`${phase}: where a new process could not go on with the leaf, none ends, and nothing is remembered`, () => {
      const { restart, event, state } = meets(memory, effect, NOW, 'NL-TOKEN-MISSING');
      assert.deepEqual([restart, state], [undefined, memory]);
      assert.ok(event.kind === 'failed' && event.isMetAnew === true);
      const { code, message, advice } = event.failure;
      assert.equal(code, 'NL-TOKEN-FAILED');
      const why =
        'newleaf does not restart itself, as a new process could not use the leaf: No token matches label "gw".';
      assert.equal(message, `${poisoned.message} ${why}`);
      assert.match(advice, /before newleaf is started again/);
    });
  }

  test('a key that neither process has keeps no process without a session, nor one whose leaf nears its end', () => {
    const making = MEMORIES['generating-key'];
    const byPerson = { ...terms, automatic: false };
    const late = { ...making, current: { ...current, notAfter: NOW + MINUTE } };
    const lost = (memory: Memory, code: Code = 'NL-TOKEN-KEY', by = terms) =>
      meets(memory, workOf(making), NOW, code, by).restart;
    // DPS, or the issuer, may need a person after all.
    assert.equal(lost(making), undefined);
    assert.equal(lost(late), true);
    assert.equal(lost(late, 'NL-TOKEN-KEY', byPerson), undefined);
    assert.equal(lost(without(making, 'online'), 'NL-TOKEN-KEY', byPerson), true);
    assert.equal(lost(without(making, 'online'), 'NL-TOKEN-MISSING'), undefined);
  });

  test('the session is no exception: a damaged key would end each process before the next key has its leaf', () => {
    const connect: RollEffect = { kind: 'connect', leaf: current, assignment: hub };
    const first = meets(served, connect);
    assert.deepEqual([first.restart, meets(again(first), connect).restart], [true, undefined]);
  });

  test('what has gone well since is forgotten, and nothing else', () => {
    const one = meets(MEMORIES['generating-key'], workOf(MEMORIES['generating-key']));
    const other: RollEffect = { kind: 'register', leaf: current };
    const both = again(meets(again(one), other));
    assert.equal(both.poisoned?.length, 2, 'they do not hide each other');
    const made = heed(both, { kind: 'key-generated', key: candidate.key, at: NOW, draw: 0.5 }, terms).state;
    assert.deepEqual(
      made.poisoned?.map(({ effect }) => effect),
      [`register ${current.thumbprint}`],
    );
    const as = { assignment: hub, as: terms.registered };
    const told = { kind: 'registered', thumbprint: current.thumbprint, ...as, at: NOW, draw: 0.5 } as const;
    assert.equal(heed(made, told, terms).state.poisoned, undefined);
  });

  test('any other failure, and any other event, changes nothing', () => {
    const memory = MEMORIES['generating-key'];
    for (const event of [
      { kind: 'failed', effect: workOf(memory), failure: failure('NL-TOKEN-FAILED'), at: NOW, draw: 0.5 },
      { kind: 'woken', at: NOW, draw: 0.5 },
    ] as const)
      assert.deepEqual(heed(memory, event, terms), { state: memory, event });
  });
});

describe('what becomes of the roll in the next process', () => {
  /** The effect that has ended the process before, met by this one. */
  function twice(phase: Phase) {
    const memory = MEMORIES[phase];
    const effect = workOf(memory);
    const next = standing(again(meets(memory, effect), memory.online));
    return after(next, { kind: 'failed', effect, failure: poisoned }, 0.5, 'work');
  }
  test('a token that makes no key: it ends in words, the gateway serves, and the key keeps its name', () => {
    const { state, memory, advanced } = twice('generating-key');
    assert.deepEqual([advanced?.restart, state.phase], [undefined, 'serving']);
    assert.deepEqual([state.outcomes[0]?.outcome, state.outcomes[0]?.failure?.message], ['kept', poisoned.message]);
    assert.equal(memory.next?.key.id, 'g1');
  });
  for (const phase of ['registering-next', 'connecting-next'] as const) {
    test(`${phase}: the candidate is kept, and so is its key`, () => {
      const { memory, state } = twice(phase);
      assert.deepEqual(
        [memory.next?.leaf, memory.old, state.online],
        [candidate, [], `${current.thumbprint}@${placeOf(hub)}`],
      );
    });
  }
  test('what has cost the process before waits for the session, or for a minute', () => {
    const effect = workOf(MEMORIES['generating-key']);
    const memory = without(again(meets(MEMORIES['generating-key'], effect)), 'online');
    const isAsked = (change: object) => briefly(standing(memory, change)).includes('generate-key');
    assert.ok(isAsked({ age: 0 }), 'it is wanted');
    const asks = (age: number) => plan(memory, circumstances({ age })).asks.map(({ kind }) => kind);
    assert.deepEqual([asks(0), asks(MINUTE - 1)], [['connect'], ['connect']]);
    assert.deepEqual(asks(MINUTE), ['generate-key', 'connect']);
  });
});
