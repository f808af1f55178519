import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import { advance } from '../../../agent/roll/advance.ts';
import { madeKeyOf, restOf } from '../../../agent/roll/candidate.ts';
import { effectsOf, type RollEvent, type RollState } from '../../../agent/roll/state.ts';
import { wrongIn } from '../../../agent/roll/wrong.ts';
import { entryOf, validateEntry } from '../../../agent/state/entry.ts';
import { wanted } from './candidates.ts';
import { HOUR, NOW, terms } from './machine.ts';
import { briefly, play, SITUATIONS } from './situations.ts';
import { candidate, current, MINUTE, request } from './standing.ts';

const hear = (state: RollState, event: RollEvent): RollState => advance(state, event, terms).state;
const rolls = (draw: number, at = NOW): RollState =>
  hear(SITUATIONS.serving, { kind: 'asked', request: request('roll'), delayMs: 0, discard: false, at, draw });

/** The CKA_ID of the key that is to be made. */
const idOf = ({ next }: Pick<RollState, 'next'>) => (next?.is === 'key-wanted' ? next.id : undefined);

describe('the CKA_ID of the next key is written before the key is made', () => {
  test('the state that goes to the disk has it, and the effect is to make that very key', () => {
    const id = idOf(validateEntry(entryOf(rolls(0.25))));
    assert.match(id ?? '', /^([0-9a-f]{2}){16}$/);
    assert.deepEqual(effectsOf(rolls(0.25)), [{ kind: 'generate-key', slot: 'b', id }]);
  });
  test('no two are the same, in one millisecond or after the clock was set back', () => {
    const made = [rolls(0.1), rolls(0.1 + 2 ** -52), rolls(0), rolls(1 - 2 ** -53), rolls(0.1, NOW + 1), rolls(0.1, 0)];
    const ids = made.map(idOf);
    assert.equal(new Set(ids).size, made.length, ids.join(' '));
    for (const id of ids) assert.equal(id?.length, 32);
  });
  test('after a power cut, and after each failure, it is the same', () => {
    const rolling = rolls(0.25);
    const id = idOf(rolling);
    const started = hear(rolling, { kind: 'started', at: NOW + 1, draw: 0.7 });
    assert.equal(idOf(started), id);
    const [effect] = effectsOf(started);
    assert.ok(effect);
    const failed = hear(started, {
      kind: 'failed',
      effect,
      failure: failure('NL-TOKEN-FAILED'),
      at: NOW + 2,
      draw: 0.8,
    });
    assert.equal(idOf(failed), id);
  });
  test('a person who asks for another key while one is being made gets that one', () => {
    const making = play({ ...SITUATIONS.serving }, 'csr');
    assert.equal(briefly(making), 'generating-key, generate-key b');
    assert.deepEqual(play(making, 'csr --new-key').next, making.next);
  });
  test('a candidate without a key that makes way for a leaf takes with it what it may have made', () => {
    const rest = { failure: failure('NL-TOKEN-FAILED'), askAt: NOW + 5 * MINUTE };
    const waits: RollState = { ...SITUATIONS.serving, next: { ...wanted(), tries: 1, rest } };
    assert.equal(play(waits, 'leaf delivered for the current key').retire[0]?.id, 'g1');
  });
});

test('a key that the token does not destroy at once is a trouble that is told, and is over with it', () => {
  const trouble = failure('NL-TOKEN-FAILED');
  const retiring = SITUATIONS['retiring-key'];
  const [effect] = effectsOf(retiring);
  assert.ok(effect?.kind === 'destroy-key');
  const failed = hear(retiring, { kind: 'failed', effect, failure: trouble, at: NOW, draw: 0.5 });
  assert.deepEqual([failed.phase, failed.workTrouble?.failure], ['retiring-key', trouble]);
  const over = hear(failed, { kind: 'key-destroyed', id: effect.key.id, at: NOW, draw: 0.5 });
  assert.deepEqual([over.phase, over.workTrouble], ['serving', undefined]);
});

describe('a key that has served, and that the token does not destroy', () => {
  const refused = failure('NL-TOKEN-FAILED', { message: 'The token does not allow this (CKR_ACTION_PROHIBITED).' });
  const kept: RollState = {
    ...SITUATIONS.serving,
    retire: [{ slot: 'b', id: 'g9', is: 'undestroyed', againAt: NOW + 24 * HOUR }],
  };
  const undestroyed = (state: RollState): RollState => {
    const [effect] = effectsOf(state);
    assert.ok(effect?.kind === 'destroy-key');
    return hear(state, { kind: 'failed', effect, failure: refused, at: NOW, draw: 0.5 });
  };
  for (const [who, asked] of [
    ['a roll', 'roll'],
    ['a CSR', 'csr'],
  ] as const) {
    test(`${who} that needs its slot tries once more to destroy it, and then makes a new one`, () => {
      const trying = play(kept, asked);
      assert.equal(briefly(trying), 'retiring-key, destroy-key b');
      const free = hear(trying, { kind: 'key-destroyed', id: 'g9', at: NOW, draw: 0.5 });
      assert.equal(briefly(free), 'generating-key, generate-key b');
      assert.notEqual(idOf(free), 'g9');
    });
    test(`${who} that gets no slot says which key is in the way`, () => {
      const blocked = undestroyed(play(kept, asked));
      const [told] = wrongIn(blocked, terms, NOW);
      assert.deepEqual([briefly(blocked), told?.code], ['serving', 'NL-TOKEN-OCCUPIED']);
      assert.match(told?.message ?? '', /slot b.*g9.*CKR_ACTION_PROHIBITED/i);
      assert.equal(briefly(play(blocked, asked)), 'retiring-key, destroy-key b');
    });
    test(`${who} whose slot is free again makes its key, and nothing is wrong any more`, () => {
      const trying = play(undestroyed(play(kept, asked)), asked);
      const free = hear(trying, { kind: 'key-destroyed', id: 'g9', at: NOW, draw: 0.5 });
      const made = hear(free, { kind: 'key-generated', key: { slot: 'b', id: 'g10' }, at: NOW, draw: 0.5 });
      assert.deepEqual([madeKeyOf(made.next)?.id, restOf(made.next), made.workTrouble], ['g10', undefined, undefined]);
    });
  }
  test('is told until it is gone, also in a session that has opened since', () => {
    const told = (state: RollState) => wrongIn(state, terms, NOW).map(({ code, message }) => `${code} ${message}`);
    assert.match(String(told(kept)), /^NL-TOKEN-FAILED The key with CKA_ID g9 in slot b is not needed any more/);
    const trying = play(kept, 'started');
    assert.equal(briefly(trying), 'retiring-key, destroy-key b');
    assert.deepEqual(told(hear(trying, { kind: 'key-destroyed', id: 'g9', at: NOW, draw: 0.5 })), []);
  });
  test('a roll looks again by its ladder', () => {
    const blocked = undestroyed(play(kept, 'roll'));
    assert.equal(restOf(blocked.next)?.failure.code, 'NL-TOKEN-OCCUPIED');
    const woken = hear(blocked, { kind: 'woken', at: NOW + 7 * MINUTE, draw: 0.5 });
    assert.equal(briefly(woken), 'retiring-key, destroy-key b');
    assert.equal(briefly(undestroyed(woken)), 'serving');
  });
  test('a CSR does not: the person asks again, and no roll comes of it', () => {
    const blocked = undestroyed(play(kept, 'csr'));
    assert.equal(blocked.next && 'for' in blocked.next && blocked.next.for, 'spare', 'its CKA_ID is known');
    assert.equal(briefly(hear(blocked, { kind: 'woken', at: NOW + 60 * MINUTE, draw: 0.5 })), 'serving');
  });
  test('the roll ends on the leaf that serves', () => {
    const [last] = undestroyed(play(kept, 'roll')).outcomes;
    assert.deepEqual([last?.outcome, last?.failure?.code], ['kept', 'NL-TOKEN-OCCUPIED']);
  });
  describe('is tried once more each day', () => {
    const old: RollState = { ...kept, current: { ...current, notAfter: NOW + 2000 * HOUR } };
    const woken = (state: RollState, hours: number) => {
      const event = { kind: 'woken', at: NOW + hours * HOUR, draw: 0.5 } as const;
      return advance(state, event, { ...terms, renewAt: 'off' }).state;
    };
    test('for one attempt: the next one is a day later, and until then it is told', () => {
      assert.equal(briefly(woken(old, 23)), 'serving');
      const trying = woken(old, 24);
      assert.equal(briefly(trying), 'retiring-key, destroy-key b');
      const [effect] = effectsOf(trying);
      assert.ok(effect?.kind === 'destroy-key');
      const left = hear(trying, { kind: 'failed', effect, failure: refused, at: NOW + 24 * HOUR, draw: 0.5 });
      assert.deepEqual([briefly(left), left.workTrouble?.failure], ['serving', refused]);
      assert.deepEqual([briefly(woken(left, 47)), briefly(woken(left, 48))], ['serving', briefly(trying)]);
      const over = hear(woken(left, 48), { kind: 'key-destroyed', id: 'g9', at: NOW + 48 * HOUR, draw: 0.5 });
      assert.deepEqual([briefly(over), over.retire, over.workTrouble], ['serving', [], undefined]);
    });
    test('also where the clock was set back since', () => {
      assert.equal(briefly(woken(old, -1)), 'retiring-key, destroy-key b');
    });
    test('but not while the issuer is asked: its ladder would begin anew', () => {
      const asking = { ...SITUATIONS['requesting-leaf'], retire: kept.retire };
      assert.equal(woken(asking, 24).phase, 'requesting-leaf');
    });
    test('and not a key of which DPS may trust a leaf: that goes when another is proven', () => {
      const remembered: RollState = { ...old, retire: [{ slot: 'b', id: 'g9', is: 'remembered' }] };
      assert.equal(briefly(woken(remembered, 1000)), 'serving');
    });
  });
  test('one in the other slot is in the way of nothing', () => {
    const other: RollState = {
      ...kept,
      current: candidate,
      retire: [{ slot: 'b', id: 'g9', is: 'undestroyed', againAt: NOW + 24 * HOUR }],
    };
    assert.equal(briefly(play(other, 'roll')), 'generating-key, generate-key a, connect b');
  });
});
