import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Code, failure } from '../../../agent/failure/failure.ts';
import { advance } from '../../../agent/roll/advance.ts';
import { restOf } from '../../../agent/roll/candidate.ts';
import { without } from '../../../agent/roll/moves.ts';
import { effectsOf, type RollEvent, type RollState, session } from '../../../agent/roll/state.ts';
import type { Terms } from '../../../agent/roll/terms.ts';
import { made, met } from './candidates.ts';
import { hub, leafOf, NOW, terms } from './machine.ts';
import { briefly, SITUATIONS } from './situations.ts';
import { current, HOUR, MINUTE, request, tight } from './standing.ts';

const limited: Terms = { ...terms, ...tight, renewAt: 'off' };
const lasting = (generation: string, slot: 'a' | 'b') => ({
  ...leafOf(generation, slot),
  notAfter: NOW + 9_999 * HOUR,
});

/** How often a gateway asks DPS within a day that refuses what the configuration says, while its hub is content. */
function askedInADay(code: Code, automatic: boolean): number {
  const leaf = lasting('g0', 'a');
  const online = session(leaf, hub);
  let state: RollState = { ...SITUATIONS.serving, current: leaf, online, registered: 'what was' };
  let asked = 0;
  const hear = (event: RollEvent) => {
    state = advance(state, event, { ...limited, automatic }).state;
  };
  for (let at = NOW; at < NOW + 24 * HOUR; at += MINUTE) {
    const now = { at, draw: 0.5 };
    hear({ ...now, kind: at === NOW ? 'started' : 'woken' });
    for (let [effect] = effectsOf(state); effect !== undefined; [effect] = effectsOf(state)) {
      if (effect.kind === 'register') asked += 1;
      if (effect.kind === 'generate-key') hear({ ...now, kind: 'key-generated', key: { slot: effect.slot, id: 'g1' } });
      else if (effect.kind === 'request-leaf') hear({ ...now, kind: 'leaf-issued', leaf: lasting('g1', 'b') });
      else hear({ ...now, kind: 'failed', effect, failure: failure(code) });
    }
  }
  return asked;
}

describe('DPS refuses what the configuration says, and the hub is content: DPS is asked once an hour for each leaf', () => {
  for (const [code, automatic, most] of [
    ['NL-DPS-401002', true, 80],
    ['NL-DPS-401002', false, 27],
    ['NL-DPS-DISABLED', true, 27],
  ] as const) {
    test(`${code}, ${automatic ? 'with a candidate' : 'alone'}`, () => {
      const asked = askedInADay(code, automatic);
      assert.ok(asked >= 22 && asked <= most, `${asked} times`);
    });
  }
});

describe('a CA that gives the current leaf once more, for a key that is kept', () => {
  const kept = { ...SITUATIONS['requesting-leaf'], next: made('roll', current.key) };
  const again = advance(kept, { kind: 'leaf-issued', leaf: current, at: NOW, draw: 0.5 }, terms).state;
  test('is asked again by the ladder, and the current leaf goes on', () => {
    assert.equal(briefly(again), 'serving');
    assert.equal(restOf(again.next)?.failure.code, 'NL-LEAF-SAME');
    assert.deepEqual([again.outcomes[0]?.outcome, again.outcomes[0]?.failure?.code], ['kept', 'NL-LEAF-SAME']);
  });
  test('and where it has another by then, the roll goes through', () => {
    const asking = advance(again, { kind: 'woken', at: NOW + HOUR, draw: 0.5 }, terms).state;
    assert.equal(briefly(asking), 'requesting-leaf, request-leaf a');
    const other = { ...current, thumbprint: 'T-other' };
    const issued = advance(asking, { kind: 'leaf-issued', leaf: other, at: NOW + HOUR, draw: 0.5 }, terms).state;
    assert.equal(issued.phase, 'registering-next');
  });
});

describe('a roll that was promised for later, and the issuer has been changed for one that needs a person', () => {
  const scheduled = { ...request('roll', 'method'), startAt: NOW };
  const manual = { ...terms, automatic: false };
  const woken = { kind: 'woken', at: NOW + 2 * HOUR, draw: 0.5 } as const;
  test('a stranded gateway goes on asking DPS', () => {
    assert.equal(
      briefly(advance({ ...SITUATIONS.stranded, scheduled }, woken, manual).state),
      'registering, register a',
    );
  });
  test('its moment ends it, and says so', () => {
    const { state } = advance({ ...SITUATIONS.serving, scheduled }, woken, manual);
    assert.equal(state.scheduled, undefined);
    assert.deepEqual([state.outcomes[0]?.id, state.outcomes[0]?.failure?.code], ['r', 'NL-ISSUER-PERSON']);
  });
  test('but not what waits for its hub meanwhile', () => {
    const inFlight = { ...request('re-register'), id: 'other' };
    const stuck = { ...SITUATIONS.serving, request: inFlight, sessionTrouble: met(failure('NL-HUB-UNREACHABLE')) };
    const { state } = advance({ ...without(stuck, 'online'), scheduled }, woken, manual);
    assert.deepEqual([state.request, state.outcomes[0]?.id], [inFlight, 'r']);
  });
  test('nothing else of the kind ends it before', () => {
    const later = { ...scheduled, startAt: woken.at + MINUTE };
    const asked = { ...woken, kind: 'asked', request: request('roll'), delayMs: 0, discard: false } as const;
    for (const event of [woken, asked]) {
      assert.deepEqual(advance({ ...SITUATIONS.serving, scheduled: later }, event, manual).state.scheduled, later);
    }
  });
});
