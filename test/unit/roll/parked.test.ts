import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { advance } from '../../../agent/roll/advance.ts';
import { GRACE_MS, GRACE_REFUSALS, probeMs, turnMs } from '../../../agent/roll/backoff.ts';
import { leafIn, type Parked, restOf } from '../../../agent/roll/candidate.ts';
import { isWorthAsking } from '../../../agent/roll/look.ts';
import { without } from '../../../agent/roll/moves.ts';
import { effectsOf, type RollEvent, type RollState, unprovisioned } from '../../../agent/roll/state.ts';
import { again, assigned, made, sent } from './candidates.ts';
import { hub, LATER, NOW, terms } from './machine.ts';
import { briefly, play, REFUSAL, SITUATIONS, times } from './situations.ts';
import { candidate, current, HOUR, MINUTE, request, rest, waits } from './standing.ts';

const now = { at: NOW, draw: 0.5 } as const;

describe('a candidate that DPS refuses is parked', () => {
  const parked = play(SITUATIONS['registering-next'], 'refusal');
  test('beside the current leaf, with its leaf, and asked for again in five minutes', () => {
    assert.equal(briefly(parked), 'serving');
    const rest = { failure: REFUSAL, askAt: NOW + probeMs(1, 0.5) };
    assert.deepEqual(parked.next, { is: 'parked', leaf: candidate, from: 'issuer', tries: 1, rest, trust: 'refused' });
    assert.equal(parked.outcomes[0]?.outcome, 'person');
  });
  test('where only its hub is none of ours, DPS may trust it all the same', () => {
    const [effect] = effectsOf(SITUATIONS['registering-next']);
    assert.ok(effect);
    const refused = { ...now, kind: 'failed', effect, failure: failure('NL-DPS-HUB') } as const;
    const { next } = advance(SITUATIONS['registering-next'], refused, terms).state;
    assert.equal(next?.is === 'parked' && next.trust, 'possible');
  });
  test('then in fifteen', () => {
    const again = advance(parked, { ...now, kind: 'woken', at: restOf(parked.next)?.askAt ?? 0 }, terms).state;
    assert.equal(briefly(again), 'registering-next, register b');
    assert.equal(again.request?.reason, 'probe');
    const { next: twice } = play(again, 'refusal');
    assert.deepEqual([twice?.tries, restOf(twice)?.askAt], [2, NOW + probeMs(2, 0.5)]);
  });
  for (const [what, before, by, rung] of [
    ['of the first roll that came to nothing', [], 'newleaf', 2],
    ['of another roll that came to nothing', ['kept'], 'newleaf', 3],
    ['that a technician waits for', ['kept'], 'technician', 2],
    ['of a roll after one that went well', ['done', 'kept'], 'newleaf', 2],
  ] as const) {
    test(`a leaf ${what} is asked for again by rung 1, and then ${rung}`, () => {
      const outcomes = before.map((outcome) => ({ ...request('roll', 'newleaf'), outcome, endedAt: NOW }));
      const refused = play({ ...SITUATIONS['registering-next'], request: request('roll', by), outcomes }, 'refusal');
      const { askAt = 0 } = restOf(refused.next) ?? {};
      assert.equal(askAt, NOW + probeMs(1, 0.5));
      const again = play(advance(refused, { ...now, kind: 'woken', at: askAt }, terms).state, 'refusal');
      assert.equal(restOf(again.next)?.askAt, NOW + probeMs(rung, 0.5));
    });
  }
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
  test('roll --discard does ask where DPS may trust an earlier leaf of its key, until DPS has accepted another leaf', () => {
    const next = { ...made(), isKeyTrusted: true } as const;
    const refused = play({ ...SITUATIONS['requesting-leaf'], next }, 'leaf issued', 'refusal');
    const woken = advance(refused, { ...now, kind: 'woken', at: restOf(refused.next)?.askAt ?? 0 }, terms).state;
    const twice = play(woken, 'refusal');
    for (const state of [refused, twice]) {
      const dropped = play(state, 'roll --discard');
      assert.equal(briefly(dropped), 'abandoning, register a');
      assert.deepEqual(play(dropped, 'current registered').retire, [{ ...candidate.key, is: 'pending', tries: 0 }]);
    }
    const over = play({ ...twice, phase: 'registering', ask: true }, 'current registered');
    assert.equal(briefly(play(over, 'roll --discard')), 'retiring-key, destroy-key b');
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
    assert.deepEqual([state.retire, state.workTrouble], [[], undefined]);
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

const offline: RollState = without(SITUATIONS.serving, 'online');
const wakes = (state: RollState, at: number): RollState => advance(state, { ...now, at, kind: 'woken' }, terms).state;
const until = (askAt: number, part: Partial<Parked> = {}): Parked => ({ ...waits, rest: { ...rest, askAt }, ...part });

describe('newleaf asks DPS by itself, beside a candidate that waits', () => {
  const moment = times(40, '').findIndex((_, tries) => isWorthAsking(tries, current.serial));
  const silent: RollEvent = {
    ...now,
    kind: 'failed',
    effect: { kind: 'connect', leaf: current, assignment: hub },
    failure: failure('NL-HUB-UNREACHABLE'),
  };
  const asks = {
    'no hub answers': (next: Parked) => advance({ ...offline, unreached: moment - 1, next }, silent, terms).state,
    'the configuration has changed': (next: Parked, at: number = NOW) =>
      advance({ ...offline, registered: 'what was', next }, { ...now, at, kind: 'started' }, terms).state,
  };
  for (const [why, ask] of Object.entries(asks)) {
    for (const [what, next, leaf] of [
      ['the current leaf, as DPS has refused the candidate', until(NOW + HOUR), 'register a, connect a'],
      ['the current leaf, which DPS took last', until(NOW + HOUR, { trust: 'none' }), 'register a, connect a'],
      ['the candidate that DPS may trust', until(NOW + HOUR, { trust: 'possible' }), 'register b, connect a'],
      ['the candidate whose time has come', until(NOW), 'register b, connect a'],
    ] as const) {
      test(`${why}: it asks about ${what}`, () => assert.match(briefly(ask(next)), new RegExp(`, ${leaf}$`)));
    }
  }
  test('the current leaf has expired: it asks about the candidate', () => {
    const asking = asks['the configuration has changed'](until(current.notAfter + HOUR), current.notAfter);
    assert.equal(briefly(asking), 'registering-next, register b, connect a');
  });
});

describe('a stranded gateway and its candidate', () => {
  const { stranded } = SITUATIONS;
  const at = (asked: number, next: Parked = until(NOW + 99 * HOUR)): RollState => ({
    ...stranded,
    next,
    probe: { times: asked, askAt: NOW },
  });
  for (const [what, state, moment, leaf] of [
    ['by turns: the candidate', at(1), NOW, 'registering-next, register b'],
    ['and the current leaf', at(2), NOW, 'registering, register a'],
    ['the candidate where the current leaf has expired', at(2), current.notAfter, 'registering-next, register b'],
    [
      'the candidate whose key may be back, as DPS hears nothing of that',
      at(2, until(NOW + HOUR, { rest: { failure: failure('NL-TOKEN-KEY'), askAt: NOW + HOUR } })),
      NOW,
      'registering-next, register b',
    ],
  ] as const) {
    test(`its hour asks about ${what}`, () => assert.equal(briefly(wakes(state, moment)), leaf));
  }
  test('who asks is answered about the candidate first', () => {
    assert.equal(briefly(play(at(2), 're-register')), 'registering-next, register b');
  });

  const asking: RollState = { ...offline, phase: 'registering', ask: true, rejected: true };
  /** When DPS is asked again, after it has refused the current leaf for good. */
  const asksAt = (state: RollState, at = NOW) => {
    const effect = { kind: 'register', leaf: current } as const;
    const { phase, probe } = advance(state, { ...now, at, kind: 'failed', effect, failure: REFUSAL }, terms).state;
    assert.equal(phase, 'stranded');
    return (probe?.askAt ?? 0) - at;
  };
  test('asks after a turn, as there are two leaves to ask about; of the current one alone after an hour', () => {
    assert.equal(asksAt({ ...asking, next: until(NOW + HOUR) }), turnMs(0.5));
    assert.equal(asksAt({ ...asking, rolledFor: current.thumbprint }), probeMs(3, 0.5));
  });
  test('a turn is counted from the answer of DPS, also where the hub takes minutes to refuse what that said', () => {
    const next = until(NOW + HOUR);
    const assigned = { ...asking, next, rejected: false, unproven: 1, grace: GRACE_REFUSALS - 1, assignment: hub };
    const { phase, probe } = play({ ...without(assigned, 'ask'), phase: 'serving' }, 'hub refuses current');
    assert.equal(phase, 'stranded');
    assert.ok((probe?.askAt ?? 0) - NOW + GRACE_MS + turnMs(0.5) <= 75 * MINUTE);
  });
  test('and of the candidate alone by its own ladder: it may be enrolled in a moment', () => {
    const next = until(current.notAfter, { rest: { failure: REFUSAL, askAt: current.notAfter + 7 } });
    assert.equal(asksAt({ ...asking, next }, current.notAfter), 7);
  });
  test('asks as soon as its key is looked for again', () => {
    const next = until(NOW, { rest: { failure: failure('NL-TOKEN-KEY'), askAt: NOW + 7 } });
    assert.equal(asksAt({ ...asking, next }), 7);
  });
});

describe('a candidate that is refused, beside a current leaf', () => {
  const proving: RollState = { ...offline, phase: 'registering-next', request: request('roll'), next: sent() };
  test('which was never assigned to a hub: that one is registered', () => {
    assert.equal(briefly(play(without(proving, 'assignment'), 'refusal')), 'registering, register a');
  });
  test('which has expired, and the hub refuses it: a person is called, and DPS is asked in five minutes', () => {
    const dead = { ...current, notAfter: NOW };
    const { phase, probe } = play({ ...proving, current: dead, rejected: true }, 'refusal');
    assert.deepEqual([phase, probe], ['stranded', { times: 1, askAt: NOW + probeMs(1, 0.5) }]);
  });
  test('which has expired: the pauses are no shorter for that', () => {
    const parked = play({ ...proving, current: { ...current, notAfter: NOW } }, 'refusal');
    assert.equal(restOf(parked.next)?.askAt, NOW + probeMs(1, 0.5));
  });
});

describe('a candidate that a person discards', () => {
  const discard = (state: RollState, automatic = true) => {
    const asked = { ...now, kind: 'asked', request: request('roll'), delayMs: 0, discard: true } as const;
    return advance(state, asked, { ...terms, automatic }).state;
  };
  const lost = failure('NL-TOKEN-KEY');
  for (const [what, state, because, known] of [
    [
      'parked',
      { ...offline, next: until(NOW + HOUR, { trust: 'possible' }) },
      'discarded',
      { ...rest, askAt: NOW + HOUR },
    ],
    ['asked for again', { ...SITUATIONS['registering-next'], next: again }, 'discarded', rest],
    [
      'whose key was not found',
      { ...offline, next: until(NOW, { trust: 'possible', rest: { failure: lost, askAt: NOW } }) },
      'key-lost',
      { failure: lost, askAt: NOW },
    ],
  ] as const) {
    test(`${what}: what it has met is kept until it is gone`, () => {
      const { next } = discard(state);
      assert.ok(next?.is === 'unwanted');
      assert.deepEqual([next.because, next.rest], [because, known]);
    });
  }
  test('on a stranded gateway: it is not stranded any more once DPS takes the current leaf', () => {
    const stranded = { ...SITUATIONS.stranded, next: until(NOW + HOUR, { trust: 'possible' }) };
    const back = discard(stranded, false);
    assert.equal(briefly(back), 'abandoning, register a');
    assert.equal(briefly(play(back, 'current registered')), 'retiring-key, destroy-key b, connect a');
  });
});

describe('a candidate that has expired', () => {
  const old = { ...candidate, notAfter: NOW };
  test('and was to have the key of the current leaf leaves nothing behind', () => {
    const kept = { ...SITUATIONS.serving, next: { ...waits, leaf: { ...old, key: current.key } } };
    assert.equal(wakes(kept, NOW).next, undefined);
  });
  test('and was the first leaf: DPS may trust an earlier one of its key', () => {
    const { next } = wakes({ ...unprovisioned, next: { ...waits, leaf: old } }, NOW);
    assert.deepEqual(next, { ...made('spare'), isKeyTrusted: true });
  });
  const expiring: RollState = { ...offline, phase: 'registering-next', next: sent(old) };
  test('while it is asked for: the request goes on with the current leaf, and without one with a first roll', () => {
    const going = { ...expiring, request: request('re-register') };
    assert.equal(briefly(wakes(going, NOW)), 'registering, register a, connect a');
    const first = wakes(without(going, 'current', 'assignment'), NOW);
    assert.deepEqual([first.phase, first.request?.action], ['requesting-leaf', 'roll']);
  });
  test('while the hub refuses the current leaf: that one is registered, though nobody has asked', () => {
    const proving: RollState = { ...expiring, phase: 'connecting-next', next: assigned(old), rejected: true };
    assert.equal(briefly(wakes(proving, NOW)), 'registering, register a');
  });
});

describe('a candidate that a person has delivered, and the issuer needs none', () => {
  const later = until(LATER + HOUR);
  for (const from of ['person', 'hub'] as const) {
    test(`by the ${from}: makes room for a leaf that is due, and for the first one; its key gets another leaf`, () => {
      const due = wakes({ ...offline, next: { ...later, from } }, LATER);
      assert.equal(briefly(due), 'requesting-leaf, request-leaf b, connect a');
      assert.deepEqual(due.next, { ...made(), isKeyTrusted: true });
      const first = wakes({ ...unprovisioned, next: { ...later, from } }, NOW);
      assert.equal(briefly(first), 'requesting-leaf, request-leaf b');
    });
  }
  test('whose place DPS has given to the current leaf: nothing of its key is trusted', () => {
    const { next } = wakes({ ...offline, next: { ...later, from: 'person', trust: 'none' } }, LATER);
    assert.deepEqual(next, made());
  });
  test('stays where only persons bring leaves', () => {
    const state = { ...offline, next: { ...later, from: 'person' } as const };
    const { state: after } = advance(state, { ...now, at: LATER, kind: 'woken' }, { ...terms, automatic: false });
    assert.deepEqual(after.next, state.next);
  });
});
