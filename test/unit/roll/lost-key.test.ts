import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { advance } from '../../../agent/roll/advance.ts';
import { probeMs } from '../../../agent/roll/backoff.ts';
import { keyOf, leafIn, madeKeyOf, restOf } from '../../../agent/roll/candidate.ts';
import { without } from '../../../agent/roll/moves.ts';
import { effectsOf, type RollEvent, type RollState, unprovisioned } from '../../../agent/roll/state.ts';
import { entryOf, validateEntry } from '../../../agent/state/entry.ts';
import { made, sent, unwanted } from './candidates.ts';
import { NOW, terms } from './machine.ts';
import { briefly, play, SITUATIONS } from './situations.ts';
import { candidate, current, HOUR, request, waits } from './standing.ts';

const lost = failure('NL-TOKEN-KEY');

const hear = (state: RollState, event: RollEvent): RollState => advance(state, event, terms).state;

/** What is in flight finds that its key is not in the token. */
function keyless(state: RollState): RollState {
  const [effect] = effectsOf(state);
  assert.ok(effect);
  return hear(state, { kind: 'failed', effect, failure: lost, at: NOW, draw: 0.5 });
}

const destroyed = (state: RollState) =>
  hear(state, { kind: 'key-destroyed', id: candidate.key.id, at: NOW, draw: 0.5 });

/** The probe of a parked candidate, an hour later. */
const probed = (state: RollState) => hear(state, { kind: 'woken', at: NOW + HOUR, draw: 0.5 });

test('another key with the CKA_ID of the leaf is no read that failed: it is lost at once, unless a person brings the leaves', () => {
  const { online: _, ...offline } = SITUATIONS.serving;
  const [effect] = effectsOf(offline);
  assert.ok(effect);
  const met = { kind: 'failed', effect, failure: lost, at: NOW, draw: 0.5 } as const;
  const after = (event: RollEvent, automatic = true) => briefly(advance(offline, event, { ...terms, automatic }).state);
  assert.equal(after({ ...met, isSure: true }), 'generating-key, generate-key b, connect a');
  assert.equal(after(met), after({ ...met, isSure: true }, false));
});

describe('the key of the candidate is lost before it has a leaf', () => {
  const again = keyless(SITUATIONS['requesting-leaf']);
  test('the slot is asked for one once more, and nothing is destroyed', () => {
    assert.equal(briefly(again), 'generating-key, generate-key b');
    assert.deepEqual([again.retire, again.request?.id], [[], 'r']);
  });
  const other = hear(again, { kind: 'key-generated', key: { slot: 'b', id: 'g2' }, at: NOW, draw: 0.5 });
  test('where the one it gives is lost, too, a person is told, and the slot is asked again by the ladder', () => {
    const parked = keyless(other);
    assert.equal(briefly(parked), 'serving');
    assert.deepEqual([madeKeyOf(parked.next), restOf(parked.next)?.failure.code], [undefined, 'NL-TOKEN-KEY']);
    assert.deepEqual([parked.outcomes[0]?.id, parked.outcomes[0]?.outcome], ['r', 'kept']);
    validateEntry(entryOf(parked));
    assert.equal(briefly(probed(parked)), 'generating-key, generate-key b');
  });
  test('a person who asks for a CSR meanwhile gets one', () => {
    const csr = { kind: 'csr-asked', newKey: false, from: 'technician', at: NOW, draw: 0.5 } as const;
    const making = hear(keyless(other), csr);
    assert.equal(briefly(making), 'generating-key, generate-key b');
    const key = { slot: 'b', id: 'g3' } as const;
    const waiting = hear(making, { kind: 'key-generated', key, at: NOW, draw: 0.5 });
    assert.deepEqual(
      [briefly(waiting), waiting.next],
      ['serving', { ...made('delivery', key), tries: 1, isSecond: true, rest: restOf(keyless(other).next) }],
    );
    assert.equal(briefly(probed(waiting)), 'requesting-leaf, request-leaf b');
  });
  test('a token that loses each key makes one an hour, and not one after the other', () => {
    // The last resort, a leaf for the same key, is far.
    const young = { ...current, notAfter: NOW + 9_999 * HOUR };
    let [state, generated]: [RollState, number] = [{ ...other, current: young }, 0];
    for (let at = NOW; at < NOW + 24 * HOUR; at += HOUR / 60) {
      const base = { at, draw: 0.5 };
      state = hear(state, { ...base, kind: 'woken' });
      for (let [effect] = effectsOf(state); effect?.kind !== 'connect'; [effect] = effectsOf(state)) {
        if (effect === undefined) break;
        if (effect.kind !== 'generate-key') state = hear(state, { ...base, kind: 'failed', effect, failure: lost });
        else {
          generated += 1;
          state = hear(state, { ...base, kind: 'key-generated', key: { slot: 'b', id: `k${generated}` } });
        }
      }
    }
    assert.ok(generated >= 22 && generated <= 27, `${generated} keys`);
  });
  test('a key that is kept is that of the current leaf: the next leaf gets one of its own', () => {
    const kept = { ...SITUATIONS['requesting-leaf'], next: made('roll', current.key) };
    assert.equal(briefly(keyless(kept)), 'generating-key, generate-key b');
    assert.equal('isUnsigned' in (keyless(kept).next ?? {}), false);
  });
  test('and where it was the last resort, the key that is wanted says that it has failed', () => {
    const kept = { ...SITUATIONS['requesting-leaf'], next: made('roll', current.key) };
    const last = keyless({ ...kept, request: { ...request('roll', 'newleaf'), reason: 'last-resort' } });
    assert.deepEqual([last.next?.is, last.next && 'isUnsigned' in last.next], ['key-wanted', true]);
    validateEntry(entryOf(last));
  });
});

for (const phase of ['registering-next', 'connecting-next'] as const) {
  describe(`the key of the candidate is lost in ${phase}`, () => {
    const parked = keyless(SITUATIONS[phase]);
    test('it is parked, as a read may fail, and a person is told', () => {
      assert.equal(briefly(parked), 'serving');
      assert.deepEqual([restOf(parked.next)?.failure.code, leafIn(parked.next)], ['NL-TOKEN-KEY', candidate]);
      assert.deepEqual([parked.outcomes[0]?.outcome, parked.retire], ['person', []]);
    });
    test('its ladder begins anew for that: a key that comes back is found soon', () => {
      const { next: before } = SITUATIONS[phase];
      assert.ok(before && 'leaf' in before);
      const { next } = keyless({ ...SITUATIONS[phase], next: { ...before, tries: 5 } });
      assert.deepEqual([next?.tries, restOf(next)?.askAt], [1, NOW + probeMs(1, 0.5)]);
    });
    test('the next time it is given up: the current leaf is registered before anything is destroyed', () => {
      const back = keyless(probed(parked));
      assert.equal(briefly(back), 'abandoning, register a');
      const rest = destroyed(play(back, 'current registered'));
      assert.equal(briefly(rest), 'serving');
      assert.deepEqual([rest.next, rest.request, rest.retire], [undefined, undefined, []]);
    });
    test('without a session nobody knows whether the token works: it stays parked', () => {
      const offline = without(probed(parked), 'online');
      const { next } = keyless(offline);
      assert.deepEqual([next?.is, next?.tries], ['parked', 2]);
    });
    test('it is looked for again a quarter of an hour later, also where one roll after the other has come to nothing', () => {
      const kept = { ...request('roll', 'newleaf'), outcome: 'kept', endedAt: NOW } as const;
      const { next } = keyless({ ...without(probed(parked), 'online'), outcomes: [kept, kept] });
      assert.equal(restOf(next)?.askAt, NOW + probeMs(2, 0.5));
    });
    test('a technician who rolls gets another key at once', () => {
      const asked = { kind: 'asked', request: request('roll'), delayMs: 0, discard: false } as const;
      const rolling = hear(parked, { ...asked, at: NOW, draw: 0.5 });
      const back = destroyed(play(keyless(rolling), 'current registered'));
      assert.equal(briefly(back), 'generating-key, generate-key b');
    });
  });
}

test('a refusal by the hub meanwhile leads back to the current leaf', () => {
  const refused: RollState = { ...without(SITUATIONS['registering-next'], 'online'), rejected: true };
  assert.equal(briefly(keyless(refused)), 'registering, register a');
});

test('the first leaf of a gateway loses its key: in the end it gets another', () => {
  const first = sent({ ...candidate, key: { slot: 'a', id: 'g1' } });
  const parked = keyless({ ...unprovisioned, phase: 'registering-next', next: first, request: request('roll') });
  assert.equal(briefly(parked), 'unprovisioned');
  const bare = keyless(probed(parked));
  assert.equal(briefly(bare), 'unprovisioned');
  // With the same CKA_ID: if it is there after all, it is found.
  assert.equal(briefly(probed(bare)), 'generating-key, generate-key a');
  assert.equal(bare.next && keyOf(bare.next).id, 'g1');
});

test('the first leaf is for a key that was there before newleaf: the key is kept for another leaf', () => {
  const given = { slot: 'given', id: 'factory' } as const;
  const next = { ...sent({ ...candidate, key: given }), tries: 2, last: lost };
  const bare = keyless({ ...unprovisioned, phase: 'registering-next', next });
  assert.deepEqual(bare.next, { ...made('spare', given), isKeyTrusted: true });
});

describe('the key of the current leaf is lost', () => {
  const offline: RollState = without(SITUATIONS.serving, 'online');
  const times = (count: number, state: RollState) => Array.from({ length: count }).reduce<RollState>(keyless, state);
  test('it is looked for twenty times: then a roll follows', () => {
    assert.equal(briefly(times(19, offline)), 'serving, connect a');
    const rolling = times(20, offline);
    assert.deepEqual([rolling.phase, rolling.request?.reason], ['generating-key', 'key-lost']);
  });
  test('and a candidate waits with a key of its own: that one is the way', () => {
    const next = { ...waits, rest: { ...waits.rest, askAt: NOW + HOUR } };
    assert.equal(briefly(times(40, { ...offline, next })), 'serving, connect a');
  });
  test('and so is that of the candidate, as it is the same: both get another', () => {
    const next = { ...waits, leaf: { ...candidate, key: current.key }, rest: { ...waits.rest, askAt: NOW + HOUR } };
    const rolling = times(20, { ...offline, next });
    assert.equal(briefly(rolling), 'generating-key, generate-key b, connect a');
    assert.notEqual(rolling.next && keyOf(rolling.next).id, current.key.id);
  });

  const abandoning: RollState = {
    ...without(SITUATIONS.abandoning, 'online', 'request'),
    next: { ...unwanted(), because: 'key-lost' },
  };
  test('and the candidate was to make room, as its key is lost, too: a roll follows at once', () => {
    const rolling = keyless(abandoning);
    assert.deepEqual([rolling.phase, rolling.request?.reason], ['generating-key', 'key-lost']);
  });
  test('the same where both have one key: a new one is made, and not in its slot', () => {
    const next = { ...unwanted({ ...candidate, key: current.key }), because: 'key-lost' } as const;
    assert.equal(briefly(keyless({ ...abandoning, next })), 'generating-key, generate-key b, connect a');
  });
  test('but while its session is open, the token has only failed to show it', () => {
    const { online } = SITUATIONS.serving;
    assert.ok(online);
    const state = keyless({ ...abandoning, online });
    assert.deepEqual([briefly(state), state.request], ['serving', undefined]);
  });
});
