import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Code, failure } from '../../../agent/failure/failure.ts';
import { advance } from '../../../agent/roll/advance.ts';
import { probeMs } from '../../../agent/roll/backoff.ts';
import { leafIn, restOf } from '../../../agent/roll/candidate.ts';
import { isWorthAsking } from '../../../agent/roll/look.ts';
import { without } from '../../../agent/roll/moves.ts';
import { effectsOf, type RollEvent, type RollState } from '../../../agent/roll/state.ts';
import { again, assigned, made, sent } from './candidates.ts';
import { hub, LATER, NOW, terms } from './machine.ts';
import { briefly, play, SITUATIONS, times } from './situations.ts';
import { candidate, current, HOUR, MINUTE, request, waits } from './standing.ts';

/*
 * Each of these once locked a gateway out, left it silent for days, or asked DPS without a pause. The fault stays; what must
 * not stay is a gateway that has a way left and does not try it.
 */

const now = { at: NOW, draw: 0.5 } as const;
const offline: RollState = without(SITUATIONS.serving, 'online');
/** The hub has refused the current leaf. */
const rejected: RollState = { ...offline, rejected: true };

/** What is in flight as work fails with this code. */
function fails(state: RollState, code: Code, count = 1, at = NOW): RollState {
  let after = state;
  for (let time = 0; time < count; time += 1) {
    const [effect] = effectsOf(after);
    assert.ok(effect, `nothing is in flight in ${after.phase}`);
    after = advance(after, { ...now, at, kind: 'failed', effect, failure: failure(code) }, terms).state;
  }
  return after;
}
const wakes = (state: RollState, at: number): RollState => advance(state, { ...now, at, kind: 'woken' }, terms).state;

describe('DPS takes the current leaf, the hub does not, and the candidate is not enrolled', () => {
  test('a roll that DPS refuses is over: the current leaf is registered once, and then nothing is in flight', () => {
    const rolling = { ...rejected, phase: 'registering-next', request: request('roll'), next: again } as const;
    const going = play(rolling, 'refusal');
    assert.deepEqual(
      [briefly(going), going.request, going.outcomes[0]?.outcome],
      ['registering, register a', undefined, 'person'],
    );
    const back = play(going, 'current registered');
    assert.equal(briefly(back), 'serving, connect a');
    assert.deepEqual([back.next?.is, back.next?.tries], ['parked', 2]);
  });
});

describe('DPS has just refused the current leaf', () => {
  const cure = { ...request('roll', 'newleaf'), reason: 'dps-refused' } as const;
  const rolling = { ...rejected, request: cure, lastRollAt: NOW, next: sent() } as const;
  test('and so does DPS the leaf that was to cure it, or the issuer: it is not asked for the first one again', () => {
    for (const change of [{ phase: 'registering-next' }, { phase: 'requesting-leaf', next: made() }] as const)
      assert.equal(briefly(play({ ...rolling, ...change }, 'refusal')), 'stranded');
  });
  for (const [what, change] of [
    ['where that was long ago: the issuer has taken its time', { lastRollAt: NOW - HOUR }],
    ['where a clock said so that has been set back', { lastRollAt: NOW + 1 }],
    ['for a technician, whose roll cures something else', { request: request('roll', 'technician') }],
  ] as const) {
    test(`but it is asked again ${what}`, () => {
      const refused = play({ ...rolling, phase: 'registering-next', ...change }, 'refusal');
      assert.equal(briefly(refused), 'registering, register a');
    });
  }
  test('but the hub takes it: it is no matter of the current leaf', () => {
    const taken = { ...rolling, phase: 'registering-next', rejected: false } as const;
    assert.equal(briefly(play(taken, 'refusal')), 'serving, connect a');
  });
});

describe('a candidate that has expired, and DPS refuses the current leaf as well', () => {
  const stranded = { ...SITUATIONS.stranded, next: waits, rolledFor: current.thumbprint };
  const dropped = wakes(stranded, candidate.notAfter);
  test('makes room at once, and DPS is not asked', () => {
    assert.deepEqual([briefly(dropped), leafIn(dropped.next), dropped.probe], ['stranded', undefined, stranded.probe]);
  });
  test('then a leaf that is due is asked for', () => {
    const asked = { ...dropped, probe: { times: 2, askAt: candidate.notAfter + HOUR } };
    assert.equal(briefly(wakes(asked, candidate.notAfter)), 'requesting-leaf, request-leaf b');
  });
  test('and so it does while it is proven', () => {
    const proving = { ...SITUATIONS['connecting-next'], request: request('roll') };
    assert.equal(briefly(wakes(proving, candidate.notAfter)), 'requesting-leaf, request-leaf b');
  });
  test('but a clock that cannot be right drops nothing', () => {
    const ahead = { ...stranded, lastSeen: candidate.notAfter + HOUR };
    assert.deepEqual(leafIn(wakes(ahead, candidate.notAfter).next), candidate);
  });
});

describe('a hub that answers all but the candidate', () => {
  const proving = { ...SITUATIONS['connecting-next'], request: request('roll') };
  test('costs nothing while the session of the current leaf is open', () => {
    assert.equal(briefly(fails(proving, 'NL-HUB-CLOSED', 19)), 'connecting-next, connect b');
  });
  test('and refuses the current leaf: after a quarter of an hour the candidate is parked, and the current leaf registered', () => {
    const silent = { ...without(proving, 'online'), rejected: true };
    assert.equal(briefly(fails(silent, 'NL-HUB-CLOSED', 19)), 'connecting-next, connect b');
    const back = fails(silent, 'NL-HUB-CLOSED', 20);
    assert.equal(briefly(back), 'registering, register a');
    assert.deepEqual([leafIn(back.next), restOf(back.next)?.failure.code], [candidate, 'NL-HUB-CLOSED']);
    assert.deepEqual([back.request, back.outcomes[0]?.outcome, back.unreached], [undefined, 'kept', 0]);
    assert.equal(briefly(play(back, 'current registered')), 'serving, connect a');
  });
  test('and the hub of the current leaf is gone: an hour after the candidate, the current leaf asks for another', () => {
    const again = (state: RollState, count: number) => fails(state, 'NL-HUB-CLOSED', count);
    const alone: RollState = { ...without(proving, 'online'), unreached: 59 };
    const moment = times(62, '').findIndex((_, tries) => isWorthAsking(60 + tries, candidate.serial));
    assert.equal(briefly(again(alone, moment)), 'connecting-next, connect b, connect a');
    const back = again(alone, moment + 1);
    assert.equal(briefly(back), 'registering, register a, connect a');
    assert.deepEqual([leafIn(back.next), restOf(back.next)?.failure.code], [candidate, 'NL-HUB-CLOSED']);
    assert.equal(back.unreached, 0);
    const open = again({ ...proving, unreached: 59 }, moment + 1);
    assert.equal(briefly(open), 'registering-next, register b');
  });
  test('discarding the candidate works all the while', () => {
    assert.equal(briefly(play(proving, 'roll --discard')), 'abandoning, register a');
    assert.equal(briefly(play(SITUATIONS['registering-next'], 'roll --discard')), 'abandoning, register a');
  });
});

describe('a DPS that answers all but one leaf', () => {
  test('the candidate, and the hub refuses the current leaf: that one is registered', () => {
    const state = { ...rejected, phase: 'registering-next', request: request('roll'), next: again } as const;
    assert.equal(briefly(fails(state, 'NL-DPS-TIMEOUT', 4)), 'registering-next, register b');
    assert.equal(briefly(fails(state, 'NL-DPS-TIMEOUT', 5)), 'registering, register a');
  });
  test('the candidate, and no hub answers the current leaf: that one asks for another hub', () => {
    const state = { ...offline, phase: 'registering-next', request: request('roll'), next: again } as const;
    const alone = fails({ ...state, unreached: 19 }, 'NL-DPS-TIMEOUT', 5);
    assert.equal(briefly(alone), 'registering-next, register b, connect a');
    const back = fails({ ...state, unreached: 20 }, 'NL-DPS-TIMEOUT', 5);
    assert.equal(briefly(back), 'registering, register a, connect a');
  });
  test('the candidate, which was parked for that: once is enough, as each round registers the current leaf as well', () => {
    const next = { ...again, last: failure('NL-DPS-SERVER') };
    const state = { ...rejected, phase: 'registering-next', next } as const;
    const back = fails(state, 'NL-DPS-SERVER');
    assert.deepEqual([briefly(back), back.next?.is, back.next?.tries], ['registering, register a', 'parked', 2]);
  });
  test('the current leaf: the candidate that waits is registered as soon as its time has come', () => {
    const state = { ...rejected, phase: 'registering', ask: true, next: waits } as const;
    assert.equal(briefly(fails(state, 'NL-DPS-TIMEOUT', 9, LATER - 2 * HOUR)), 'registering, register a');
    assert.equal(briefly(fails(state, 'NL-DPS-TIMEOUT')), 'registering-next, register b');
  });
  test('but nothing is tried in its place while the session is open', () => {
    assert.equal(briefly(fails(SITUATIONS['registering-next'], 'NL-DPS-TIMEOUT', 50)), 'registering-next, register b');
  });
});

describe('the key of the current leaf is lost', () => {
  test('a registration that needs it ends, and the advised roll works', () => {
    const ended = fails(
      { ...offline, phase: 'registering', ask: true, request: request('re-register') },
      'NL-TOKEN-KEY',
    );
    assert.deepEqual([ended.phase, ended.request, ended.outcomes[0]?.outcome], ['serving', undefined, 'person']);
    assert.equal(play(ended, 'roll').phase, 'generating-key');
  });
  test('where the hub refuses it as well, one roll follows', () => {
    const ended = fails(
      { ...rejected, phase: 'registering', ask: true, request: request('re-register') },
      'NL-TOKEN-KEY',
    );
    assert.deepEqual([ended.phase, ended.request?.action], ['generating-key', 'roll']);
  });
  test('there is no way back to it: the candidate is kept', () => {
    const ended = fails({ ...without(SITUATIONS.abandoning, 'online'), rejected: true }, 'NL-TOKEN-KEY');
    assert.deepEqual([ended.phase, leafIn(ended.next)], ['stranded', candidate]);
  });
  test('a registration that the token cannot sign makes room for a roll', () => {
    const failing = fails(
      { ...offline, phase: 'registering', ask: true, request: request('re-register') },
      'NL-TOKEN-FAILED',
    );
    assert.equal(failing.phase, 'registering');
    assert.equal(play(failing, 'roll').phase, 'generating-key');
  });
  test('and DPS is asked again meanwhile, where the hub refuses it as well', () => {
    const asking = { ...rejected, phase: 'registering', ask: true, request: request('re-register') } as const;
    const rolling = play(fails(asking, 'NL-TOKEN-FAILED'), 'roll');
    assert.deepEqual([rolling.phase, rolling.probe], ['generating-key', { times: 1, askAt: NOW + probeMs(1, 0.5) }]);
  });
});

describe('a roll waits for its issuer', () => {
  const barred = play({ ...rejected, phase: 'registering', ask: true }, 'refusal', 'key generated');
  const waiting = fails(barred, 'NL-EST-UNREACHABLE');
  test('and the hub refuses the current leaf: DPS is asked for that one again, by the ladder of a refused leaf', () => {
    assert.equal(briefly(waiting), 'requesting-leaf, request-leaf b');
    assert.equal(waiting.probe?.askAt, NOW + probeMs(1, 0.5));
    assert.equal(briefly(wakes(waiting, NOW + 5 * MINUTE)), 'requesting-leaf, request-leaf b');
    assert.equal(briefly(wakes(waiting, NOW + probeMs(1, 0.5))), 'registering, register a');
  });
  test('DPS refuses it once more: the roll goes on, and the next question is later', () => {
    const again = fails(wakes(waiting, NOW + probeMs(1, 0.5)), 'NL-DPS-401002');
    assert.equal(briefly(again), 'requesting-leaf, request-leaf b');
    assert.deepEqual([again.request?.reason, again.probe], ['dps-refused', { times: 2, askAt: NOW + probeMs(2, 0.5) }]);
  });
  test('DPS and hub take it: no other leaf is needed, and the key waits for the next roll', () => {
    const taken = play(wakes(waiting, NOW + probeMs(1, 0.5)), 'current registered');
    assert.equal(briefly(taken), 'requesting-leaf, request-leaf b, connect a');
    const served = play(taken, 'current connected');
    assert.deepEqual([served.phase, served.request, served.rolledFor], ['serving', undefined, undefined]);
    assert.deepEqual([served.outcomes[0]?.outcome, served.next], ['kept', made('spare')]);
  });
  test('which refuses, and the hub refuses the current leaf: that one is registered', () => {
    const asking = { ...rejected, phase: 'requesting-leaf', request: request('roll'), next: made() } as const;
    assert.equal(briefly(play(asking, 'refusal')), 'registering, register a');
  });
  test('and the hub is gone: DPS is asked for another, and the roll goes on', () => {
    const due: RollState = { ...offline, phase: 'requesting-leaf', request: request('roll'), next: made() };
    const [, connect] = effectsOf(due);
    assert.equal(connect?.kind, 'connect');
    const gone: RollEvent = { ...now, kind: 'failed', effect: connect, failure: failure('NL-HUB-UNREACHABLE') };
    let state = due;
    for (let attempt = 0; attempt < 40; attempt += 1) state = advance(state, gone, terms).state;
    assert.equal(briefly(state), 'registering, register a, connect a');
    assert.equal(briefly(play(state, 'current registered')), 'requesting-leaf, request-leaf b, connect a');
    assert.equal(briefly(play(state, 'current connected')), 'requesting-leaf, request-leaf b');
  });
});

describe('a first leaf that DPS assigns, and the hub refuses for good', () => {
  test('is asked for after 5 and 15 minutes, then every hour: the ladder goes on', () => {
    const first = { ...without(offline, 'current', 'assignment'), next: assigned() };
    const proving: RollState = { ...first, phase: 'connecting-next', grace: 0 };
    let state = play(proving, ...times(10, 'refusal'));
    const waited: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const askAt = restOf(state.next)?.askAt ?? 0;
      waited.push(askAt - NOW);
      state = play(wakes(state, askAt), 'next registered', ...times(10, 'refusal'));
    }
    assert.deepEqual(
      waited,
      [1, 2, 3, 4].map((round) => probeMs(round, 0.5)),
    );
  });
});

describe('a registration that somebody asked for, while the session is open', () => {
  test('DPS refuses it: the leaf that the hub takes is not rolled', () => {
    const asked = play(SITUATIONS.serving, 're-register', 'refusal');
    assert.deepEqual([asked.phase, asked.outcomes[0]?.outcome, asked.rolledFor], ['serving', 'kept', undefined]);
  });
});

describe('a session is open', () => {
  test('whatever DPS refuses, nobody is stranded', () => {
    const open = {
      ...SITUATIONS.serving,
      probe: { times: 3, askAt: NOW },
      next: waits,
    };
    const probing = wakes({ ...open, phase: 'serving' }, LATER - HOUR);
    assert.equal(briefly(probing), 'registering-next, register b');
    const refused = play(probing, 'refusal');
    assert.deepEqual([refused.phase, refused.probe], ['serving', undefined]);
    assert.equal(refused.assignment, hub);
  });
});

describe('what was accepted for later', () => {
  const later: RollEvent = {
    ...now,
    kind: 'asked',
    request: { ...request('re-register'), id: 'second' },
    delayMs: HOUR,
    discard: false,
  };
  test('is not replaced by another promise, whoever asks', () => {
    const scheduled = { ...request('roll', 'method'), id: 'first', startAt: NOW + HOUR };
    const { state, decision } = advance({ ...SITUATIONS.serving, scheduled }, later, terms);
    assert.deepEqual([state.scheduled?.id, decision?.action, decision?.rule], ['first', 'ignore', 'single-flight']);
  });
  test('but a technician who asks for something now is not kept waiting', () => {
    const scheduled = { ...request('roll', 'method'), id: 'first', startAt: NOW + HOUR };
    const { state } = advance({ ...SITUATIONS.serving, scheduled }, { ...later, delayMs: 0 }, terms);
    assert.deepEqual([state.phase, state.scheduled?.id], ['registering', 'first']);
  });
});
