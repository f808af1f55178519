import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { type Code, failure } from '../../../agent/failure/failure.ts';
import { advance, signalsOf } from '../../../agent/roll/advance.ts';
import { turnMs } from '../../../agent/roll/backoff.ts';
import { keyOf, leafIn } from '../../../agent/roll/candidate.ts';
import { isWorthAsking } from '../../../agent/roll/look.ts';
import { without } from '../../../agent/roll/moves.ts';
import type { Signal } from '../../../agent/roll/signal.ts';
import { effectsOf, type RollEffect, type RollState } from '../../../agent/roll/state.ts';
import { again, made, met, sent, unwanted } from './candidates.ts';
import { NOW, terms } from './machine.ts';
import { briefly, EVENTS, play, SITUATIONS, times } from './situations.ts';
import { asked, candidate, current, due, HOUR, request, rest, table, waits } from './standing.ts';

const unreached: Signal = { kind: 'unreached' };
const silent = failure('NL-HUB-UNREACHABLE');
const offline: RollState = without(SITUATIONS.serving, 'online');
const alone: RollState = without(SITUATIONS['connecting-next'], 'online');
/** The attempt, by its number, after which DPS is asked for the first time. */
const firstOf = ({ serial }: typeof current) => times(40, '').findIndex((_, tries) => isWorthAsking(tries, serial));

/** What is in flight of this kind gets no answer. */
function unheard(
  state: RollState,
  kind: RollEffect['kind'],
  count = 1,
  at = NOW,
  code: Code = 'NL-DPS-TIMEOUT',
): RollState {
  let after = state;
  for (let time = 0; time < count; time += 1) {
    const effect = effectsOf(after).find((one) => one.kind === kind);
    assert.ok(effect, `no ${kind} is in flight in ${after.phase}`);
    const failed = kind === 'connect' ? silent : failure(code);
    after = advance(after, { at, draw: 0.5, kind: 'failed', effect, failure: failed }, terms).state;
  }
  return after;
}

describe('when a hub that does not answer is worth a question to DPS', () => {
  const worth = (serial: string, least: number, most: number) =>
    Array.from({ length: most - least }, (_, index) => least + index).filter((tries) => isWorthAsking(tries, serial));
  test('never in the first quarter of an hour', () => {
    for (let serial = 0; serial < 200; serial += 1) assert.deepEqual(worth(`${serial}`, 0, 20), []);
  });
  test('once in the next one, by leaf: a fleet is spread', () => {
    const moments = Array.from({ length: 200 }, (_, serial) =>
      worth(createHash('sha1').update(`${serial}`).digest('hex'), 20, 35),
    );
    assert.ok(moments.every(({ length }) => length === 1));
    assert.equal(new Set(moments.flat()).size, 15);
  });
  test('then once an hour', () => {
    const [first = 0, ...others] = worth('7', 20, 180);
    assert.deepEqual(others, [first + 60, first + 120]);
  });
});

const waiting: Partial<RollState> = { request: request('re-register'), sessionTrouble: met(silent) };
table('a hub that does not answer', [
  ['asks DPS', unreached, {}, 'unreached: re-register'],
  ['with a candidate to prove, too', unreached, { phase: 'connecting-next' }, 'unreached: re-register'],
  ['a registration is under way', unreached, { phase: 'registering' }, 'single-flight: ignore'],
  [
    'a roll waits for its issuer',
    unreached,
    { phase: 'requesting-leaf', request: request('roll') },
    'unreached: re-register',
  ],
  ['it is free of charge', unreached, { budget: { left: 0, at: 0 } }, 'unreached: re-register'],
]);

table('a re-registration whose hub does not answer makes room', [
  ['for another', asked('re-register'), waiting, 'asked: re-register'],
  ['for a roll', asked('roll'), waiting, 'asked: roll'],
  ['for a leaf that is due', due, waiting, 'due: roll'],
  ['for the question where we belong', unreached, waiting, 'unreached: re-register'],
  // DPS may have named a hub that is gone: the session with the old one must not outlive its leaf.
  ['also beside a session with another hub', due, { ...waiting, online: 'T@hub2' }, 'due: roll'],
  ['which asks DPS again', unreached, { ...waiting, online: 'T@hub2' }, 'unreached: re-register'],
  ['and for a roll', asked('roll'), { ...waiting, online: 'T@hub2' }, 'asked: roll'],
  [
    'nor where the hub refuses',
    asked('roll'),
    { ...waiting, sessionTrouble: met(failure('NL-HUB-REJECTED')) },
    'single-flight: ignore',
  ],
]);

describe('what was asked has failed when it makes room', () => {
  for (const [name, reason] of [
    ['roll', 'asked'],
    ['woken later', 'due'],
    ['leaf delivered for the current key', 'asked'],
  ] as const) {
    test(`for ${name}`, () => {
      const after = play({ ...without(SITUATIONS.serving, 'online'), ...waiting }, name);
      assert.deepEqual([after.outcomes[0]?.outcome, after.outcomes[0]?.failure?.code], ['failed', silent.code]);
      assert.deepEqual([after.request?.action, after.request?.reason], ['roll', reason]);
    });
  }
});

test('a candidate whose handshake the token does not sign makes room for the current leaf, where the hub refuses that', () => {
  const unsigned = (state: RollState, count: number): RollState => {
    let after = state;
    for (let time = 0; time < count && after.next?.is === 'assigned'; time += 1) {
      const effect = { kind: 'connect', leaf: candidate, assignment: after.next.assignment } as const;
      const failed = { kind: 'failed', effect, failure: failure('NL-TOKEN-FAILED'), at: NOW, draw: 0.5 } as const;
      after = advance(after, failed, terms).state;
    }
    return after;
  };
  assert.equal(briefly(unsigned({ ...alone, rejected: true }, 200)), 'registering, register a');
  assert.equal(unsigned({ ...alone, rejected: false }, 200).phase, 'connecting-next', 'its session goes on by itself');
});

describe('the candidate whose hub does not answer', () => {
  test('is registered again, and only counts its own attempts', () => {
    const proving: RollState = { ...SITUATIONS['connecting-next'], unreached: 0 };
    const effect = { kind: 'connect', leaf: current, assignment: { hub: 'hub1', deviceId: 'gw-1' } } as const;
    const other = advance(proving, { at: 0, draw: 0.5, kind: 'failed', effect, failure: silent }, terms);
    assert.equal(other.state.unreached, 0);
    const moment = times(60, 'outage').findIndex((_, tries) => isWorthAsking(tries, candidate.serial));
    assert.equal(briefly(play(proving, ...times(moment - 1, 'outage'))), 'connecting-next, connect b');
    const again = play(proving, ...times(moment, 'outage'));
    assert.equal(briefly(again), 'registering-next, register b');
    assert.deepEqual(leafIn(again.next), candidate);
    const found = EVENTS['next registered']?.(again);
    assert.ok(found);
    assert.equal(briefly(advance(again, found, terms).state), 'connecting-next, connect b');
  });
  test('and was parked: it begins to count anew', () => {
    const asks: RollState = { ...SITUATIONS['registering-next'], unreached: 19 };
    assert.equal(play({ ...asks, next: again }, 'next registered').unreached, 0);
    assert.equal(play(asks, 'next registered').unreached, 19);
  });
  test('asks for another hub, as well, when a request that was planned begins: the roll before it has ended', () => {
    const stuck = play(without(SITUATIONS['connecting-next'], 'online'), 'outage');
    const scheduled = { ...request('re-register', 'method'), id: 'planned', startAt: NOW };
    const begun = play({ ...stuck, scheduled }, 'woken');
    assert.equal(briefly(begun), 'registering-next, register b, connect a');
    assert.deepEqual([begun.request?.id, begun.scheduled], ['planned', undefined]);
    assert.deepEqual([begun.outcomes[0]?.id, begun.outcomes[0]?.outcome], ['r', 'kept']);
  });
});

describe('whom a silent hub makes ask', () => {
  test('the current leaf, whose session is gone as well: by turns, as nothing on disk says for how long', () => {
    const asking = { ...alone, unreached: firstOf(candidate) - 1 };
    const asks = unheard(asking, 'connect');
    assert.deepEqual([briefly(asks), asks.next?.is], ['registering, register a, connect a', 'parked']);
    assert.equal(briefly(unheard({ ...asking, online: 'hub1' }, 'connect')), 'registering-next, register b, connect a');
  });
  test('the candidate alone, after an hour as well, where the current leaf has expired: it counts on', () => {
    const hours = firstOf(candidate) + 60;
    const barred = { ...alone, rejected: true };
    const patient = unheard({ ...barred, unreached: firstOf(candidate) }, 'connect', 1, current.notAfter);
    assert.deepEqual([briefly(patient), patient.unreached], ['connecting-next, connect b', firstOf(candidate) + 1]);
    const asks = unheard({ ...barred, unreached: hours - 1 }, 'connect', 1, current.notAfter);
    assert.deepEqual([briefly(asks), asks.unreached], ['registering-next, register b', hours]);
  });
  test('not a current leaf that has expired: DPS would refuse it', () => {
    const effect = { kind: 'connect', leaf: current, assignment: { hub: 'hub1', deviceId: 'gw-1' } } as const;
    const gone = { ...offline, unreached: firstOf(current) - 1 };
    const signals = [current.notAfter - 1, current.notAfter].map((at) =>
      signalsOf(gone, { at, draw: 0.5, kind: 'failed', effect, failure: silent }, terms),
    );
    assert.deepEqual(signals, [[unreached], []]);
  });
  test('the current leaf, where DPS gives no answer about the candidate; not where it has not had its time', () => {
    const asking = { ...without(SITUATIONS['registering-next'], 'online'), unreached: firstOf(current) - 1 };
    assert.equal(briefly(unheard(asking, 'connect')), 'registering-next, register b, connect a');
    const back = unheard({ ...asking, unheard: 1 }, 'connect');
    assert.equal(briefly(back), 'registering, register a, connect a');
    assert.deepEqual([back.next?.is, back.unreached], ['parked', 0]);
  });
  test('nobody is counted any more once the hub answers', () => {
    const counted = { unreached: 30, unheard: 4, keyless: 5, unproven: 1, probe: { times: 2, askAt: NOW } };
    const heard = play({ ...offline, ...counted }, 'current connected');
    const { unreached: attempts, unheard: silences, keyless, unproven, probe } = heard;
    assert.deepEqual([attempts, silences, keyless, unproven, probe], [0, undefined, undefined, 0, undefined]);
  });
});

describe('a DPS that is silent about one leaf', () => {
  const registering: RollState = { ...offline, phase: 'registering', rejected: true, ask: true };
  for (const [what, askAt, at] of [
    ['whose time comes before the next rung', NOW + turnMs(0.5), 'registering-next, register b'],
    ['whose time comes after it', NOW + turnMs(0.5) + 1, 'registering, register a'],
  ] as const) {
    test(`tries a candidate ${what}: ${at}`, () => {
      const next = { ...waits, rest: { ...rest, askAt } };
      assert.equal(briefly(unheard({ ...registering, next }, 'register')), at);
    });
  }
  test('and was asked for something that is over: that begins nothing', () => {
    const effect = { kind: 'register', leaf: current } as const;
    const late = { at: NOW, draw: 0.5, kind: 'failed', effect, failure: failure('NL-DPS-TIMEOUT') } as const;
    assert.equal(briefly(advance({ ...offline, next: waits }, late, terms).state), 'serving, connect a');
  });
  test('goes on with the candidate where the current leaf has expired', () => {
    const asking: RollState = { ...without(registering, 'ask'), phase: 'registering-next', next: sent() };
    assert.equal(briefly(unheard(asking, 'register', 5, current.notAfter)), 'registering-next, register b');
  });

  const back: RollState = without(SITUATIONS.abandoning, 'online');
  const abandoning = (because: 'refused' | 'discarded' | 'key-lost', askAt = NOW): RollState => ({
    ...back,
    next: { ...unwanted(), because, rest: { ...rest, askAt } },
  });
  test('a pace that slows its ladder down: after a silence of four minutes', () => {
    const silentOnce = unheard(abandoning('refused'), 'register');
    const then = (ms: number) => briefly(unheard(silentOnce, 'register', 1, NOW + ms));
    assert.equal(then(239_999), 'abandoning, register a, connect a');
    assert.equal(then(240_000), 'registering-next, register b, connect a');
    assert.equal(then(-240_000), 'abandoning, register a, connect a', 'a clock that was set back');
    assert.equal(briefly(unheard(abandoning('refused'), 'register', 1, NOW + 240_000)), then(0), 'the first silence');
  });

  describe('and throttles a whole fleet: the other leaf would get the same 429', () => {
    const curing: RollState = { ...registering, phase: 'registering-next', next: sent() };
    const throttled = (state: RollState, count: number, at = NOW) =>
      briefly(unheard(state, 'register', count, at, 'NL-DPS-THROTTLED'));
    test('the candidate is asked for during half an hour, and then the current leaf', () => {
      assert.equal(briefly(unheard(curing, 'register', 5)), 'registering, register a');
      assert.equal(throttled(curing, 7), 'registering-next, register b');
      assert.equal(throttled(curing, 8), 'registering, register a');
    });
    test('or until a pace that slows its ladder down to twenty minutes', () => {
      const once = unheard(curing, 'register', 1, NOW, 'NL-DPS-THROTTLED');
      assert.equal(throttled(once, 1, NOW + 1_199_999), 'registering-next, register b');
      assert.equal(throttled(once, 1, NOW + 1_200_000), 'registering, register a');
    });
  });

  test('a candidate that DPS has just refused has no turn yet, however near the end of the leaf is', () => {
    const offline: RollState = without({ ...SITUATIONS.registering, rejected: true }, 'online');
    const end = { ...current, notAfter: NOW + HOUR };
    const at = (askAt: number): RollState => ({
      ...offline,
      current: end,
      next: { ...waits, rest: { ...waits.rest, askAt } },
    });
    assert.equal(briefly(unheard(at(NOW + HOUR / 2), 'register', 1)), 'registering, register a');
    assert.equal(briefly(unheard(at(NOW + HOUR / 4), 'register', 1)), 'registering-next, register b');
  });
  test('on the way back, tries the candidate once more when its time has come', () => {
    assert.equal(briefly(unheard(abandoning('refused'), 'register', 5)), 'registering-next, register b, connect a');
    assert.equal(briefly(unheard(abandoning('refused', NOW + 1), 'register', 5)), 'abandoning, register a, connect a');
  });
  test('on the way back, does not bring one back that a person has discarded', () => {
    assert.equal(briefly(unheard(abandoning('discarded'), 'register', 4)), 'abandoning, register a, connect a');
    const ended = unheard(abandoning('discarded'), 'register', 5);
    assert.equal(briefly(ended), 'requesting-leaf, request-leaf b, connect a', 'its key gets another leaf');
    assert.deepEqual(ended.next, { ...made(), isKeyTrusted: true });
    const open: RollState = { ...SITUATIONS.abandoning, next: { ...unwanted(), because: 'discarded' } };
    assert.equal(unheard(open, 'register', 5).phase, 'abandoning', 'the hub serves the current leaf meanwhile');
  });
  test('and the way back ends, as the current leaf has expired: the key of the candidate gets another leaf', () => {
    const ended = unheard(abandoning('refused', NOW + 99 * 3_600_000), 'register', 5, current.notAfter);
    assert.equal(briefly(ended), 'requesting-leaf, request-leaf b, connect a');
    assert.deepEqual(ended.next, { ...made(), isKeyTrusted: true });
  });
  test('also while its session is open, which the hub has not ended yet', () => {
    const open: RollState = { ...SITUATIONS.abandoning, next: unwanted() };
    assert.equal(unheard(open, 'register', 5).phase, 'abandoning');
    assert.equal(briefly(unheard(open, 'register', 5, current.notAfter)), 'requesting-leaf, request-leaf b');
  });
  test('the same where that key is lost: it is made anew, or found by its ID', () => {
    const ended = unheard(abandoning('key-lost'), 'register', 5, current.notAfter);
    assert.equal(briefly(ended), 'generating-key, generate-key b, connect a');
    assert.equal(ended.next && keyOf(ended.next).id, candidate.key.id);
  });
});

describe('once DPS has answered, earlier silence counts no more', () => {
  for (const [what, name, state] of [
    ['DPS refuses the current leaf', 'refusal', SITUATIONS.registering],
    ['DPS refuses the candidate', 'refusal', SITUATIONS['registering-next']],
    ['DPS takes the current leaf', 'current registered', without(SITUATIONS.registering, 'online')],
    ['DPS takes the candidate', 'next registered', SITUATIONS['registering-next']],
  ] as const) {
    test(what, () => assert.equal(play({ ...state, unheard: 4 }, name).unheard, undefined));
  }
});
