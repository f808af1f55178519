import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { advance } from '../../../agent/roll/advance.ts';
import { GRACE_REFUSALS, probeMs } from '../../../agent/roll/backoff.ts';
import { madeKeyOf, mayBeTrusted } from '../../../agent/roll/candidate.ts';
import { without } from '../../../agent/roll/moves.ts';
import { RETIRE_TRIES } from '../../../agent/roll/phase.ts';
import { effectsOf, type RollEvent, type RollState, session } from '../../../agent/roll/state.ts';
import { assigned, met, sent } from './candidates.ts';
import { hub, leafOf, NOW, terms } from './machine.ts';
import { briefly, EVENTS, play, REFUSAL, SITUATIONS, times } from './situations.ts';
import { candidate, current, HOUR, MINUTE, request, tight, waits } from './standing.ts';

const now = { at: NOW, draw: 0.5 } as const;
const { serving } = SITUATIONS;
/** DPS has been asked whether it has another hub, and is not asked again for long. */
const SILENT = 36;

describe('prove, then promote', () => {
  const proven = play(SITUATIONS['connecting-next'], 'next connected');
  test('the candidate becomes current, with its hub and its session', () => {
    assert.deepEqual(proven.current, candidate);
    assert.deepEqual(proven.assignment, hub);
    assert.equal(proven.online, session(candidate, hub));
    assert.equal(proven.next, undefined);
  });
  test('where DPS assigned another hub to it, that one is kept', () => {
    const moved = { hub: 'hub2', deviceId: 'gw-1' };
    const state = { ...SITUATIONS['connecting-next'], next: { ...assigned(), assignment: moved } };
    assert.deepEqual(play(state, 'next connected').assignment, moved);
  });
  test('another device ID in the same hub is another session, and the request is not done before it', () => {
    const [effect] = effectsOf(SITUATIONS.registering);
    assert.ok(effect?.kind === 'register');
    const { thumbprint } = effect.leaf;
    const online: RollState = { ...SITUATIONS.registering, online: session(current, hub), rejected: false };
    const moved = { ...hub, deviceId: 'gw-9' };
    const as = terms.registered;
    const after = advance(online, { ...now, kind: 'registered', thumbprint, assignment: moved, as }, terms);
    assert.deepEqual(
      after.effects.map(({ kind }) => kind),
      ['connect'],
    );
    assert.deepEqual([after.state.outcomes, after.state.request], [[], online.request]);
  });
  test('the old key is to be destroyed only then', () => {
    assert.deepEqual(play(SITUATIONS['registering-next'], 'next registered').retire, []);
    assert.deepEqual(proven.retire, [{ ...current.key, is: 'pending', tries: 0 }]);
  });
  test('the request is done, and what was wrong is forgotten', () => {
    const troubled = {
      ...SITUATIONS['connecting-next'],
      workTrouble: met(REFUSAL),
      sessionTrouble: met(REFUSAL),
      rolledFor: 'T',
      grace: 3,
      unproven: 1,
      rejected: true,
    };
    const after = play(troubled, 'next connected');
    const { request: left, rolledFor, grace, unproven, rejected, outcomes } = after;
    assert.deepEqual([left, rolledFor, grace, unproven, rejected], [undefined, undefined, undefined, 0, false]);
    assert.deepEqual([after.workTrouble, after.sessionTrouble], [undefined, undefined]);
    assert.equal(outcomes[0]?.outcome, 'done');
  });
  test('a key that was in the token before us is never destroyed', () => {
    const given = { ...SITUATIONS['connecting-next'], current: leafOf('g0', 'given') };
    const after = play(given, 'next connected');
    assert.deepEqual(after.retire, []);
    assert.equal(briefly(after), 'serving');
  });
  test('one that was to be destroyed before is not forgotten for the old one: both go, one after the other', () => {
    const other = { slot: 'a', id: 'g7' } as const;
    const after = play(
      { ...SITUATIONS['connecting-next'], retire: [{ ...other, is: 'remembered' }] },
      'next connected',
    );
    assert.deepEqual(after.retire, [
      { ...other, is: 'pending', tries: 0 },
      { ...current.key, is: 'pending', tries: 0 },
    ]);
    const destroyed = (state: RollState, id: string) =>
      advance(state, { ...now, kind: 'key-destroyed', id }, terms).state;
    const once = destroyed(after, 'g7');
    assert.deepEqual(effectsOf(once)[0], { kind: 'destroy-key', key: current.key });
    assert.deepEqual([destroyed(once, current.key.id).retire, destroyed(once, 'g7')], [[], once]);
  });
  test('the next key takes the slot that the current leaf does not use', () => {
    const slots = { a: 'generate-key b', b: 'generate-key a', given: 'generate-key a' } as const;
    for (const [slot, effect] of Object.entries(slots) as [keyof typeof slots, string][]) {
      assert.equal(
        briefly(play({ ...without(serving, 'online', 'assignment'), current: leafOf('g0', slot) }, 'roll')),
        `generating-key, ${effect}`,
      );
    }
  });
  test('intent to register is in the journal before DPS may hear of the leaf', () => {
    const before = SITUATIONS['requesting-leaf'];
    assert.deepEqual([before.next?.is, play(before, 'leaf issued').next?.is], ['key-made', 'sent']);
  });
  test('DPS pins what registered last: after the current leaf the candidate has lost its place', () => {
    const both: RollState = { ...SITUATIONS.registering, next: { ...waits, trust: 'possible' } };
    const { next } = play(both, 'current registered');
    assert.ok(both.next !== undefined && mayBeTrusted(both.next));
    assert.ok(next !== undefined && !mayBeTrusted(next));
  });
});

describe('every automatic way is tried once', () => {
  test('DPS refuses the current leaf: the roll that may cure it is spent on this leaf', () => {
    const rolling = play({ ...without(SITUATIONS.registering, 'online'), rejected: true }, 'refusal');
    assert.equal(briefly(rolling), 'generating-key, generate-key b');
    assert.equal(rolling.rolledFor, current.thumbprint);
    assert.equal(rolling.request?.reason, 'dps-refused');
  });
  test('DPS assigns twice, and the hub refuses twice: stranded, and DPS is not asked a third time', () => {
    const toTheEnd = [...times(GRACE_REFUSALS, 'hub refuses current')];
    const once = play(serving, 'hub refuses current', 'current registered', ...toTheEnd);
    assert.deepEqual([briefly(once), once.unproven], ['registering, register a', 1]);
    const twice = play(once, 'current registered', ...toTheEnd);
    assert.equal(briefly(twice), 'stranded');
    assert.deepEqual(twice.probe, { times: 1, askAt: NOW + probeMs(3, 0.5) });
  });
  test('a stranded gateway asks once an hour: by turns for the candidate and for the current leaf', () => {
    const { next } = play(SITUATIONS['registering-next'], 'refusal');
    assert.ok(next);
    const probe = (state: RollState) =>
      advance(state, { ...now, kind: 'woken', at: state.probe?.askAt ?? 0 }, terms).state;
    const first = probe({ ...SITUATIONS.stranded, next });
    assert.equal(briefly(first), 'registering-next, register b');
    const again = play(first, 'refusal');
    assert.deepEqual([briefly(again), again.probe?.times], ['stranded', 2]);
    assert.equal(briefly(probe(again)), 'registering, register a');
  });
});

test('what an attempt with a leaf of the past still has to say troubles nobody', () => {
  const effect = { kind: 'connect', leaf: leafOf('g9', 'a'), assignment: hub } as const;
  const failed: RollEvent = { ...now, kind: 'failed', effect, failure: failure('NL-TOKEN-KEY') };
  assert.deepEqual(advance(serving, failed, terms).state, serving);
});

describe('what was promised for later', () => {
  const scheduled = { ...request('roll', 'method'), id: 'later', startAt: NOW + HOUR };
  test('is kept, whatever comes in between', () => {
    const registering = play({ ...without(serving, 'online'), scheduled }, 'hub refuses current');
    assert.equal(briefly(registering), 'registering, register a');
    const back = play(registering, 'current registered', 'current connected');
    assert.deepEqual(back.scheduled, scheduled);
    const begun = advance(back, { ...now, kind: 'woken', at: scheduled.startAt }, terms).state;
    assert.deepEqual([begun.scheduled, begun.request?.id], [undefined, 'later']);
  });
});

describe('a refusal and an outage are never mixed up', () => {
  for (const [phase, state] of Object.entries(SITUATIONS)) {
    test(`forty outages in ${phase} cost nothing`, () => {
      const [effect] = effectsOf(state);
      const known = { workTrouble: 0, sessionTrouble: 0, unreached: 0, unheard: 0 };
      if (effect === undefined || phase === 'retiring-key') {
        assert.ok(['unprovisioned', 'serving', 'stranded', 'retiring-key'].includes(phase), 'has something in flight');
        return;
      }
      const after = play({ ...state, unreached: SILENT }, ...times(40, 'outage'));
      assert.equal(after.workTrouble?.failure.code, 'NL-DPS-UNREACHABLE', 'people are told');
      assert.deepEqual({ ...after, ...known }, { ...state, ...known });
    });
  }
});

describe('a roll whose issuer keeps failing', () => {
  const stuck = play(SITUATIONS['requesting-leaf'], 'outage');
  test('makes room for a registration, and keeps its key for the next roll', () => {
    const after = play(stuck, 're-register');
    assert.equal(briefly(after), 'registering, register a');
    assert.equal(after.outcomes[0]?.outcome, 'kept');
    assert.equal(after.outcomes[0]?.failure?.code, 'NL-DPS-UNREACHABLE');
    assert.equal(madeKeyOf(after.next)?.id, 'g1');
    assert.equal(briefly(play(after, 'current registered', 'roll')), 'requesting-leaf, request-leaf b');
  });
});

describe('a candidate that the hub refuses', () => {
  test('keeps its ladder, however often somebody asks', () => {
    const refused = { ...SITUATIONS['connecting-next'], workTrouble: met(REFUSAL), grace: 3 };
    assert.deepEqual(play(refused, 're-register'), refused);
  });
});

describe('a candidate whose hub nobody reaches', () => {
  const stuck = play(SITUATIONS['connecting-next'], 'outage');
  test('asks DPS for another hub when somebody says so', () => {
    const asked = play(stuck, 're-register');
    assert.equal(asked.phase, 'registering-next');
    assert.deepEqual(asked.next, sent());
    assert.equal(asked.outcomes[0]?.outcome, 'kept');
    assert.equal(play(asked, 'next registered').phase, 'connecting-next');
  });
});

describe('what a roll ends with', () => {
  test(`a key that the token does not destroy is left alone after ${RETIRE_TRIES} attempts`, () => {
    const state = SITUATIONS['retiring-key'];
    assert.equal(play(state, ...times(RETIRE_TRIES - 1, 'outage')).phase, 'retiring-key');
    const after = play(state, ...times(RETIRE_TRIES, 'outage'));
    assert.equal(after.phase, 'serving');
    assert.equal(after.retire[0]?.id, current.key.id);
    assert.equal(briefly(play(after, 'started')), 'retiring-key, destroy-key a');
  });
  test('history is bounded', () => {
    let state: RollState = serving;
    for (let turn = 0; turn < 50; turn += 1) state = play(state, 're-register', 'current registered');
    assert.equal(state.outcomes.length, 10);
    assert.equal(state.trail.length, 30);
    assert.deepEqual(state.trail[0], { at: NOW, from: 'registering', to: 'serving', why: 'registered' });
  });
  test('a transition caused by a failure carries its code', () => {
    assert.equal(play(SITUATIONS['registering-next'], 'refusal').trail[0]?.code, REFUSAL.code);
  });
});

describe('asked for later', () => {
  const ask: RollEvent = { ...now, kind: 'asked', request: request('roll', 'method'), delayMs: HOUR, discard: false };
  const { state } = advance(serving, ask, terms);
  test('begins at a moment within the delay', () => {
    assert.equal(briefly(state), 'serving');
    assert.equal(state.scheduled?.startAt, NOW + HOUR / 2);
  });
  test('not before it', () => {
    assert.deepEqual(advance(state, { ...now, kind: 'woken', at: NOW + HOUR / 2 - 1 }, terms).state, state);
  });
  test('and then as the request that was accepted', () => {
    const begun = advance(state, { ...now, kind: 'woken', at: NOW + HOUR / 2 }, terms).state;
    assert.equal(briefly(begun), 'generating-key, generate-key b');
    assert.deepEqual([begun.request?.id, begun.scheduled], ['r', undefined]);
  });
});

describe('flapping', () => {
  const ends = (heldMs: number, met = failure('NL-HUB-LOST')): RollEvent => ({
    ...now,
    kind: 'lost',
    thumbprint: current.thumbprint,
    heldMs,
    failure: met,
  });
  const online = (state: RollState) => play(state, 'current connected');
  test('a session of a minute is none: it is opened again at once', () => {
    const { state, retry } = advance(serving, ends(MINUTE), terms);
    assert.deepEqual([briefly(state), retry, state.flaps], ['serving, connect a', undefined, 0]);
  });
  test('the first short one is opened again at once, the third in a row backs off for five minutes, and asks no DPS', () => {
    const first = advance(serving, ends(MINUTE - 1), terms);
    const second = advance(online(first.state), ends(1), terms);
    const third = advance(online(second.state), ends(1), terms);
    assert.deepEqual(
      [first, second, third].map(({ retry }) => retry?.code),
      [undefined, 'NL-HUB-LOST', 'NL-HUB-FLAPPING'],
    );
    assert.equal(third.retry?.retryAfterMs, 5 * MINUTE);
    assert.equal(briefly(third.state), 'serving, connect a');
    assert.equal(third.state.sessionTrouble?.failure.code, 'NL-HUB-FLAPPING');
  });
  test('from the sixth on it is a quarter of an hour', () => {
    const pauseAfter = (flaps: number) => advance({ ...serving, flaps }, ends(1), terms).retry?.retryAfterMs;
    assert.deepEqual([4, 5, 50].map(pauseAfter), [5 * MINUTE, 15 * MINUTE, 15 * MINUTE]);
  });
  test('a box on the way that ends idle sessions: at once with a shorter keepalive, else after its pause, and that is the trouble', () => {
    const idle = (retryAfterMs?: number) =>
      ends(1, failure('NL-NETWORK-IDLE', retryAfterMs === undefined ? {} : { retryAfterMs }));
    for (const flaps of [0, 1, 2, 9]) {
      const cured = advance({ ...serving, flaps }, idle(), terms);
      assert.deepEqual(
        [briefly(cured.state), cured.retry, cured.state.sessionTrouble?.failure],
        ['serving, connect a', undefined, undefined],
      );
      assert.equal(cured.state.flaps, flaps + 1, 'if that does not help, it is not forgotten');
      const { state, retry } = advance({ ...serving, flaps }, idle(900_000), terms);
      assert.deepEqual([briefly(state), retry?.retryAfterMs], ['serving, connect a', 900_000]);
      assert.equal(state.sessionTrouble?.failure.code, 'NL-NETWORK-IDLE');
      assert.equal(online(state).sessionTrouble?.failure, undefined, 'it goes with the next session');
    }
  });
  test('a long session ends the row', () => {
    const twice = { ...serving, flaps: 2 };
    assert.equal(advance(twice, ends(MINUTE), terms).state.flaps, 0);
  });
});

test('a spent budget holds back the answer to a refusal, not the session', () => {
  const broke = { ...serving, budget: { left: 0, at: NOW } };
  const refused = EVENTS['hub refuses current']?.(broke);
  assert.ok(refused);
  const { state, retry } = advance(broke, refused, { ...terms, ...tight });
  assert.deepEqual([briefly(state), retry?.code], ['serving, connect a', REFUSAL.code]);
});
