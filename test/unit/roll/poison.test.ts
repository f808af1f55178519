import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Code, failure } from '../../../agent/failure/failure.ts';
import { type Advance, advance } from '../../../agent/roll/advance.ts';
import { keyOf, leafIn, restOf } from '../../../agent/roll/candidate.ts';
import { placeOf } from '../../../agent/roll/leaf.ts';
import { without } from '../../../agent/roll/moves.ts';
import type { Phase } from '../../../agent/roll/phase.ts';
import { comesAfterSession } from '../../../agent/roll/poison.ts';
import { effectsOf, type RollEffect, type RollState, unprovisioned } from '../../../agent/roll/state.ts';
import { entryOf, validateEntry } from '../../../agent/state/entry.ts';
import { wanted } from './candidates.ts';
import { hub, NOW, terms } from './machine.ts';
import { briefly, play, SITUATIONS } from './situations.ts';
import { candidate, current, HOUR, MINUTE, request } from './standing.ts';

const poisoned = failure('NL-TOKEN-POISONED', { message: 'Generating the key: it does not work (CKR_GENERAL_ERROR).' });

/** What is in flight meets a module that has lost its state. */
function meets(state: RollState, at = NOW, effect = effectsOf(state)[0]): Advance {
  assert.ok(effect);
  return advance(state, { kind: 'failed', effect, failure: poisoned, at, draw: 0.5 }, terms);
}

/** The same, and a new process cannot open the token. */
function meetsAlone(state: RollState, code: Code = 'NL-TOKEN-MISSING', by = terms): Advance {
  const [effect] = effectsOf(state);
  assert.ok(effect);
  const stays = failure(code, { message: 'No token matches label "gw".' });
  return advance(state, { kind: 'failed', effect, failure: poisoned, stays, at: NOW, draw: 0.5 }, by);
}

/** A new process, which has dialled the hub. */
function again({ state }: Advance, isOnline = true): RollState {
  const read: RollState = { ...validateEntry(entryOf(state)), flaps: 0, unreached: 0 };
  const started = advance(read, { kind: 'started', at: NOW, draw: 0.5 }, terms).state;
  const { current: leaf } = started;
  if (!isOnline || leaf === undefined) return started;
  const connected = { kind: 'connected', thumbprint: leaf.thumbprint, hub: placeOf(hub), at: NOW, draw: 0.5 } as const;
  return advance(started, connected, terms).state;
}

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
    const first = meets(SITUATIONS[phase]);
    const second = meets(again(first));
    test(`${phase}: the first time a new process may heal it`, () => {
      assert.equal(first.restart, true);
      assert.equal(first.state.phase, phase);
    });
    test(`${phase}: the next process remembers, and goes on`, () => {
      assert.equal(second.restart, undefined);
      assert.ok(second.event?.kind === 'failed');
      const { code, message } = second.event.failure;
      assert.deepEqual([code, message], ['NL-TOKEN-FAILED', poisoned.message]);
    });
    test(`${phase}: once every six hours a new process is worth it again`, () => {
      assert.equal(meets(again(first), NOW + 6 * HOUR - 1).restart, undefined);
      assert.equal(meets(again(first), NOW + 6 * HOUR).restart, true);
    });
    test(`${phase}: without a session, every five minutes`, () => {
      const [effect] = effectsOf(SITUATIONS[phase]);
      const offline = without(again(first, false), 'online');
      assert.equal(meets(offline, NOW + 5 * MINUTE - 1, effect).restart, undefined);
      assert.equal(meets(offline, NOW + 5 * MINUTE, effect).restart, true);
    });
    test(`${phase}: a clock that was set back costs one more process, and is the measure from then on`, () => {
      const back = meets(again(first), NOW - HOUR);
      assert.equal(back.restart, true);
      assert.equal(meets(again(back), NOW - HOUR).restart, undefined);
    });
  }
});

test('the second key of a candidate is made by the next process: only a fault that no process heals makes it wait', () => {
  const making: RollState = { ...SITUATIONS['generating-key'], next: { ...wanted(), isSecond: true } };
  const { restart, state } = meets(making);
  assert.equal(restart, true);
  assert.deepEqual([state.phase, restOf(state.next)], ['generating-key', undefined]);
  assert.equal(restOf(meets(state).state.next)?.failure.code, 'NL-TOKEN-FAILED');
});

describe('where a new process could not go on with the leaf, none ends', () => {
  for (const phase of WORK) {
    const { restart, event, state } = meetsAlone(SITUATIONS[phase]);
    test(`${phase}: the fault is told in both their words, as one of the token`, () => {
      assert.equal(restart, undefined);
      assert.ok(event?.kind === 'failed' && event.again === true);
      const { code, message, advice } = event.failure;
      assert.equal(code, 'NL-TOKEN-FAILED');
      assert.equal(
        message,
        `${poisoned.message} newleaf does not restart itself, as a new process could not use the leaf: No token matches label "gw".`,
      );
      assert.match(advice, /before newleaf is started again/);
    });
    test(`${phase}: nothing is remembered, so that the first process that can go on does`, () => {
      assert.equal(state.poisoned, undefined);
      assert.equal(meets(SITUATIONS[phase]).restart, true);
    });
  }
  test('a key that neither process has keeps no process without a session, nor one whose leaf nears its end', () => {
    const making = SITUATIONS['generating-key'];
    const byPerson = { ...terms, automatic: false };
    const late = { ...making, current: { ...current, notAfter: NOW + MINUTE } };
    // DPS, or the issuer, may need a person after all.
    assert.equal(meetsAlone(making, 'NL-TOKEN-KEY').restart, undefined);
    assert.equal(meetsAlone(late, 'NL-TOKEN-KEY').restart, true);
    assert.equal(meetsAlone(late, 'NL-TOKEN-KEY', byPerson).restart, undefined);
    assert.equal(meetsAlone(without(making, 'online'), 'NL-TOKEN-KEY', byPerson).restart, true);
    assert.equal(meetsAlone(without(making, 'online')).restart, undefined);
  });
  test('a roll that waits for its key is given up in these words, and asked again by the ladder', () => {
    const { state } = meetsAlone(SITUATIONS['generating-key']);
    assert.equal(briefly(state), 'serving');
    assert.match(restOf(state.next)?.failure.message ?? '', /No token matches/);
  });
});

test('the session with the current leaf is what a new process is for, always', () => {
  const connect: RollEffect = { kind: 'connect', leaf: current, assignment: hub };
  const offline = without(SITUATIONS.serving, 'online');
  const first = meets(offline, NOW, connect);
  assert.deepEqual([first.restart, first.state.poisoned], [true, undefined]);
  assert.equal(meets(again(first, false), NOW, connect).restart, true);
  assert.ok(!comesAfterSession(first.state, connect));
});

describe('what becomes of the roll', () => {
  const twice = (phase: Phase, state = SITUATIONS[phase]) => meets(again(meets(state)));
  test('a token that makes no key: the roll fails in words, and the gateway serves', () => {
    const { state } = twice('generating-key');
    assert.equal(briefly(state), 'serving');
    assert.deepEqual([state.outcomes[0]?.outcome, state.outcomes[0]?.failure?.message], ['kept', poisoned.message]);
    assert.equal(restOf(state.next)?.failure.code, 'NL-TOKEN-FAILED');
    assert.equal(state.next && keyOf(state.next).id, 'g1', 'what it may have made is still known');
  });
  test('it is asked again by the ladder: 5 and 15 minutes, then every hour; or at once by a person', () => {
    const { state } = twice('generating-key');
    const woken = (minutes: number) =>
      briefly(advance(state, { kind: 'woken', at: NOW + minutes * MINUTE, draw: 0.5 }, terms).state);
    assert.deepEqual([woken(5), woken(7)], ['serving', 'generating-key, generate-key b']);
    assert.equal(briefly(play(state, 'roll')), 'generating-key, generate-key b');
    assert.equal(briefly(play(state, 'csr')), 'generating-key, generate-key b');
  });
  test('a key that signs no CSR is looked at once more, and then is another by the ladder', () => {
    const { state } = twice('requesting-leaf');
    assert.equal(briefly(state), 'generating-key, generate-key b');
    assert.deepEqual([state.next?.is, state.next && keyOf(state.next).id, state.retire], ['key-wanted', 'g1', []]);
    const made = advance(state, { kind: 'key-generated', key: candidate.key, at: NOW, draw: 0.5 }, terms).state;
    assert.equal(briefly(meets(made).state), 'serving');
  });
  for (const phase of ['registering-next', 'connecting-next'] as const) {
    test(`${phase}: the candidate is parked, and its key is not destroyed for it, however often`, () => {
      let { state } = twice(phase);
      for (let times = 0; times < 5; times += 1) {
        assert.equal(briefly(state), 'serving');
        assert.deepEqual([leafIn(state.next), state.retire], [candidate, []]);
        const at = NOW + (times + 1) * 2 * HOUR;
        const probed = advance(state, { kind: 'woken', at, draw: 0.5 }, terms).state;
        assert.equal(briefly(probed), 'registering-next, register b');
        const met = meets(probed, at);
        state = met.restart === true ? meets(again(met), at).state : met.state;
      }
    });
  }
  test('a new gateway without a leaf is told, and asks by the ladder', () => {
    const bare: RollState = {
      ...unprovisioned,
      phase: 'generating-key',
      next: { ...wanted(), slot: 'a' },
      request: { ...request('roll'), reason: 'provisioning', from: 'newleaf' },
    };
    const { state } = meets(again(meets(bare), false));
    assert.equal(briefly(state), 'unprovisioned');
    assert.equal(state.outcomes[0]?.outcome, 'person');
  });
});

test('what has gone well since is forgotten', () => {
  const first = again(meets(SITUATIONS['generating-key']));
  const made = advance(first, { kind: 'key-generated', key: candidate.key, at: NOW, draw: 0.5 }, terms).state;
  assert.equal(made.poisoned, undefined);
});

test('two effects that cost processes by turns do not hide each other', () => {
  const one = again(meets(SITUATIONS['generating-key']));
  const other: RollEffect = { kind: 'register', leaf: current };
  const both = again(meets(one, NOW, other));
  assert.deepEqual([meets(both).restart, meets(both, NOW, other).restart], [undefined, undefined]);
});

test('what is about the next leaf comes after the session, and so does what has cost the process before', () => {
  const register: RollEffect = { kind: 'register', leaf: current };
  const making = SITUATIONS['generating-key'];
  const after = (state: RollState) => [...effectsOf(state), register].map((effect) => comesAfterSession(state, effect));
  assert.deepEqual(after(making), [true, false]);
  assert.deepEqual(after(meets(making, NOW, register).state), [true, true]);
});
