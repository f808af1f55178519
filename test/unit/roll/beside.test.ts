import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { restOf } from '../../../agent/roll/candidate.ts';
import { without } from '../../../agent/roll/moves.ts';
import type { RollState } from '../../../agent/roll/state.ts';
import { again, made, met } from './candidates.ts';
import { NOW } from './machine.ts';
import { briefly, play, SITUATIONS, times } from './situations.ts';
import { current, MINUTE, request, rest } from './standing.ts';

/* What happens beside a piece of work, and must not be lost over it. */

const offline: RollState = without(SITUATIONS.serving, 'online');

describe('the session of the current leaf, beside a roll', () => {
  test('opens again while the hub refuses the candidate: its refusals are still counted', () => {
    const proving = { ...without(SITUATIONS['connecting-next'], 'online'), grace: 5 };
    assert.equal(play(proving, 'current connected').grace, 5);
    assert.equal(briefly(play(proving, 'current connected', ...times(5, 'refusal'))), 'abandoning, register a');
  });
  test('is refused in the grace after a registration: it is tried again, and the roll goes on', () => {
    const waiting = { ...without(SITUATIONS['requesting-leaf'], 'online'), grace: 1 };
    const refused = play(waiting, 'hub refuses current');
    assert.deepEqual([refused.rejected, refused.grace], [false, 2]);
    assert.equal(briefly(refused), 'requesting-leaf, request-leaf b, connect a');
  });
  test('is refused after it was dropped twice: what dropped it has found its cause', () => {
    assert.equal(play({ ...offline, flaps: 2 }, 'hub refuses current').flaps, 0);
  });
});

describe('after the candidate is given up', () => {
  test('the hub may lag DPS once more, where the session is not open', () => {
    const back = play(without(SITUATIONS.abandoning, 'online'), 'current registered');
    assert.equal(back.grace, 0);
    assert.equal(play(SITUATIONS.abandoning, 'current registered').grace, undefined);
  });
});

describe('a candidate that is parked', () => {
  test('is asked for again before the current leaf ends', () => {
    const dying = { ...current, notAfter: NOW + 8 * MINUTE };
    const refused = play({ ...SITUATIONS['registering-next'], current: dying }, 'refusal');
    assert.equal(restOf(refused.next)?.askAt, NOW + 4 * MINUTE);
  });
  test('and has no leaf yet, does not wait for a person where the gateway is stranded', () => {
    const next = { ...made('roll'), rest, tries: 1 };
    const asking = { ...offline, phase: 'registering', ask: true, request: request('re-register') } as const;
    const { phase, next: kept } = play({ ...asking, rejected: true, rolledFor: current.thumbprint, next }, 'refusal');
    assert.deepEqual([phase, kept], ['stranded', next]);
  });
  test('is refused once more, and the hub has refused the current leaf meanwhile: the same question goes on with that one', () => {
    const question = { ...request('re-register', 'newleaf'), reason: 'probe' } as const;
    const asking = { ...offline, phase: 'registering-next', request: question, next: again, rejected: true } as const;
    const going = play(asking, 'refusal');
    assert.deepEqual([briefly(going), going.request, going.outcomes], ['registering, register a', question, []]);
    const { outcomes } = play(going, 'current registered', 'current connected');
    assert.deepEqual(
      outcomes.map(({ reason, outcome }) => [reason, outcome]),
      [['probe', 'done']],
    );
  });
});

describe('a request that the hub refuses', () => {
  test('is no request that gets no answer: another one waits', () => {
    const refused = play({ ...SITUATIONS['connecting-next'], grace: 0 }, 'refusal');
    const asked = play({ ...refused, workTrouble: met(rest.failure) }, 're-register');
    assert.deepEqual([asked.phase, asked.request?.action], ['connecting-next', 'roll']);
  });
});

describe('a registration that DPS does not answer, and somebody asks for another', () => {
  const silent = { request: { ...request('re-register'), id: 'old' }, unheard: 1 } as const;
  for (const [phase, then] of [
    ['registering', 'registering, register a, connect a'],
    ['registering-next', 'registering-next, register b, connect a'],
    ['abandoning', 'abandoning, register a, connect a'],
  ] as const) {
    test(`in ${phase}: it goes on for the other one`, () => {
      const asked = play({ ...without(SITUATIONS[phase], 'online'), ...silent }, 're-register');
      assert.equal(briefly(asked), then);
      assert.deepEqual([asked.request?.id, asked.outcomes[0]?.id, asked.outcomes[0]?.outcome], ['r', 'old', 'kept']);
      assert.equal(asked.ask, phase === 'registering' ? true : undefined);
    });
  }
});

test('a registration that the token could not sign before a power cut makes room for a roll', () => {
  const registering = { ...offline, phase: 'registering', ask: true, request: request('re-register') } as const;
  const broken = { ...registering, workTrouble: met(failure('NL-TOKEN-FAILED')) };
  assert.equal(briefly(play(broken, 'roll')), 'generating-key, generate-key b, connect a');
});

describe('a roll that gets no answer makes room', () => {
  test('and leaves its key to the next one', () => {
    const stuck = { ...offline, phase: 'requesting-leaf', request: request('roll'), next: made() } as const;
    const asked = play({ ...stuck, workTrouble: met(failure('NL-EST-UNREACHABLE')) }, 're-register');
    assert.deepEqual([briefly(asked), asked.next], ['registering, register a, connect a', made('spare')]);
  });
});

test('the first provisioning replaces no leaf: no roll has to wait for its interval', () => {
  assert.equal(play(SITUATIONS.unprovisioned, 'woken').lastRollAt, undefined);
});
