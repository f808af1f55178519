import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { advance } from '../../../agent/roll/advance.ts';
import { GRACE_REFUSALS, probeMs } from '../../../agent/roll/backoff.ts';
import { leafIn, restOf } from '../../../agent/roll/candidate.ts';
import { without } from '../../../agent/roll/moves.ts';
import type { RollEvent } from '../../../agent/roll/state.ts';
import { made } from './candidates.ts';
import { NOW, terms } from './machine.ts';
import { briefly, play, REFUSAL, SITUATIONS, times } from './situations.ts';
import { candidate, HOUR, waits } from './standing.ts';

const now = { at: NOW, draw: 0.5 } as const;

describe('a candidate that DPS refuses is parked', () => {
  const parked = play(SITUATIONS['registering-next'], 'refusal');
  test('beside the current leaf, with its leaf, and asked for again in five minutes', () => {
    assert.equal(briefly(parked), 'serving');
    const rest = { failure: REFUSAL, askAt: NOW + probeMs(1, 0.5) };
    assert.deepEqual(parked.next, { is: 'parked', leaf: candidate, from: 'issuer', tries: 1, rest, trust: 'refused' });
    assert.equal(parked.outcomes[0]?.outcome, 'person');
  });
  test('then in fifteen', () => {
    const again = advance(parked, { ...now, kind: 'woken', at: restOf(parked.next)?.askAt ?? 0 }, terms).state;
    assert.equal(briefly(again), 'registering-next, register b');
    assert.equal(again.request?.reason, 'probe');
    const { next: twice } = play(again, 'refusal');
    assert.deepEqual([twice?.tries, restOf(twice)?.askAt], [2, NOW + probeMs(2, 0.5)]);
  });
  test('is registered before the current leaf when somebody asks, and the current leaf after it', () => {
    const asked = play(parked, 're-register');
    assert.equal(briefly(asked), 'registering-next, register b');
    assert.equal(briefly(play(asked, 'refusal')), 'registering, register a');
  });
  test('roll --discard drops it without asking DPS, whose last word was that it does not trust it', () => {
    const dropped = play(parked, 'roll --discard');
    assert.equal(briefly(dropped), 'retiring-key, destroy-key b');
    assert.deepEqual([dropped.next?.is, dropped.request?.action], ['key-wanted', 'roll']);
  });
  test('roll --discard registers the current leaf first where DPS may trust the candidate', () => {
    const rest = { failure: failure('NL-HUB-CLOSED'), askAt: NOW + HOUR };
    const dropped = play({ ...parked, next: { ...waits, rest, trust: 'possible' } }, 'roll --discard');
    assert.equal(briefly(dropped), 'abandoning, register a');
    const registered = play(dropped, 'current registered');
    assert.equal(briefly(registered), 'retiring-key, destroy-key b');
    assert.deepEqual([registered.next?.is, registered.request?.action], ['key-wanted', 'roll']);
  });
  test('one that DPS may trust is kept where DPS refuses the current leaf meanwhile', () => {
    const dropped = play({ ...SITUATIONS['connecting-next'], rejected: true }, 'roll --discard');
    assert.equal(briefly(dropped), 'abandoning, register a');
    const { phase, next, outcomes } = play(without(dropped, 'online'), 'refusal');
    assert.deepEqual([phase, next?.is, leafIn(next)], ['stranded', 'parked', candidate]);
    assert.equal(outcomes[0]?.outcome, 'person');
  });
  test('one that expired makes room without asking DPS, and its key is kept: the clock may be wrong', () => {
    const woken: RollEvent = { ...now, kind: 'woken', at: candidate.notAfter };
    const { state } = advance(parked, woken, terms);
    assert.equal(briefly(state), 'serving');
    assert.deepEqual(state.next, made('spare'));
    assert.deepEqual([state.retire, state.workTrouble], [undefined, undefined]);
  });
});

describe('a candidate that the hub refuses', () => {
  const state = { ...SITUATIONS['connecting-next'], grace: 0 };
  test('is given the grace of a hub that lags DPS', () => {
    const after = play(state, ...times(GRACE_REFUSALS - 1, 'refusal'));
    assert.equal(briefly(after), 'connecting-next, connect b');
  });
  test('is abandoned after it: the current leaf is registered, then the key destroyed', () => {
    const refused = play(state, ...times(GRACE_REFUSALS, 'refusal'));
    assert.equal(briefly(refused), 'abandoning, register a');
    const back = play(refused, 'current registered');
    assert.equal(briefly(back), 'retiring-key, destroy-key b');
    assert.equal(back.outcomes[0]?.outcome, 'kept');
  });
});
