import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Phase, phaseOf } from '../../../agent/roll/phase.ts';
import type { RollState } from '../../../agent/roll/state.ts';
import { assigned, made, sent, unwanted, wanted } from './candidates.ts';
import { NOW } from './machine.ts';
import { SITUATIONS } from './situations.ts';
import { current, rest, waits } from './standing.ts';

type Facts = Parameters<typeof phaseOf>[0];

const fresh = { slot: 'b', id: 'g9', is: 'pending', tries: 0 } as const;
/** Left alone: the token did not destroy it. */
const left = { slot: 'b', id: 'g9', is: 'undestroyed', againAt: NOW } as const;
/** In the other slot. */
const aside = { ...left, slot: 'a' } as const;

/** What is there beside a current leaf. */
const ROWS: readonly (readonly [why: string, Facts, Phase])[] = [
  ['nothing', {}, 'serving'],
  ['the current leaf is to be registered', { ask: true }, 'registering'],
  ['every automatic way is refused', { stranded: true }, 'stranded'],
  ['a candidate that DPS may hear of', { next: sent() }, 'registering-next'],
  ['one that DPS has accepted', { next: assigned() }, 'connecting-next'],
  ['one that makes room', { next: unwanted() }, 'abandoning'],
  ['one that is parked', { next: waits }, 'serving'],

  ['a key that a roll wants', { next: wanted() }, 'generating-key'],
  ['a key that a CSR wants', { next: wanted('delivery') }, 'generating-key'],
  ['a key that no roll wants any more is not made', { next: wanted('spare') }, 'serving'],
  ['a key that the token did not make waits for its ladder', { next: { ...wanted(), rest } }, 'serving'],
  ['a key whose leaf the issuer is asked for', { next: made() }, 'requesting-leaf'],
  ['a key whose leaf a person brings', { next: made('delivery') }, 'serving'],
  ['a key for the next roll', { next: made('spare') }, 'serving'],
  ['a key whose issuer refuses', { next: { ...made(), rest } }, 'serving'],

  ['a key that is to be destroyed', { retire: [fresh] }, 'retiring-key'],
  ['one that the token does not destroy', { retire: [left] }, 'serving'],
  ['whose slot is needed', { retire: [left], next: wanted() }, 'retiring-key'],
  ['whose slot a CSR needs', { retire: [left], next: wanted('delivery') }, 'retiring-key'],
  ['the other slot is needed', { retire: [aside], next: wanted() }, 'generating-key'],
  ['whose slot is needed only by the next roll', { retire: [left], next: wanted('spare') }, 'serving'],
  ['whose slot is needed when the ladder says so', { retire: [left], next: { ...wanted(), rest } }, 'serving'],
  ['a key is new on the list behind one that the token does not destroy', { retire: [aside, fresh] }, 'retiring-key'],
  ['a key in its slot is there already', { retire: [left], next: made() }, 'requesting-leaf'],
];

describe('the phase follows from the facts', () => {
  for (const [why, facts, phase] of ROWS)
    test(`${why} → ${phase}`, () => assert.equal(phaseOf({ current, ...facts }), phase));
  for (const [phase, state] of Object.entries(SITUATIONS))
    test(`${phase}, in the middle of a roll`, () => assert.equal(phaseOf(state), phase));
});

test('without a leaf the same work leads to the first one, and rest is "unprovisioned"', () => {
  const rests: readonly Phase[] = ['serving', 'registering', 'stranded'];
  for (const [why, facts, phase] of ROWS.filter(([, , at]) => !rests.includes(at)))
    assert.equal(phaseOf(facts), phase, why);
  for (const facts of [{}, { next: waits }, { next: made('spare') }, { retire: [left] }])
    assert.equal(phaseOf(facts), 'unprovisioned');
});

/** Each of them, whatever of those below it is true as well. */
const ORDER: readonly (readonly [Phase, Partial<Pick<RollState, 'next' | 'ask' | 'stranded' | 'retire'>>])[] = [
  ['registering-next', { next: sent() }],
  ['connecting-next', { next: assigned() }],
  ['abandoning', { next: unwanted() }],
  ['registering', { ask: true }],
  ['stranded', { stranded: true }],
  ['retiring-key', { retire: [fresh] }],
  ['generating-key', { next: wanted() }],
  ['requesting-leaf', { next: made() }],
];

describe('which work comes first: a leaf with DPS or hub, then the token, then the issuer', () => {
  for (const [index, [phase, facts]] of ORDER.entries()) {
    for (const [other, others] of ORDER.slice(index + 1)) {
      if ('next' in facts && 'next' in others) continue;
      const isInWork = phase === 'stranded' && 'next' in others;
      test(`${phase} and ${other} → ${isInWork ? other : phase}`, () => {
        // A person in front of a stranded gateway does not wait for DPS.
        assert.equal(phaseOf({ current, ...others, ...facts }), isInWork ? other : phase);
      });
    }
  }
  test('a stranded gateway clears the slot of a key that is wanted, and no other', () => {
    const stranded = { current, stranded: true, retire: [fresh] } as const;
    assert.deepEqual(
      [phaseOf({ ...stranded, next: wanted('delivery') }), phaseOf(stranded)],
      ['retiring-key', 'stranded'],
    );
  });
});
