import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Candidate, hasLeaf, keyOf, leafIn, madeKeyOf, metBy, restOf } from '../../../agent/roll/candidate.ts';
import { again, assigned, made, sent, unwanted, wanted } from './candidates.ts';
import { candidate, rest, waits } from './standing.ts';

const { key } = candidate;

/** Whether its key is in the token. */
const ROWS: readonly (readonly [what: string, Candidate, isMade: boolean])[] = [
  ['a key that is wanted', wanted(), false],
  ['one that the token did not make', { ...wanted(), rest }, false],
  ['a key that is made', made(), true],
  ['a leaf that is sent', sent(), true],
  ['one that is assigned', assigned(), true],
  ['one that is parked', waits, true],
  ['one that makes room', unwanted(), true],
];

describe('what is asked about a candidate', () => {
  for (const [what, next, isMade] of ROWS) {
    test(`${what}: ${isMade ? 'its key is made' : 'no key yet'}`, () => {
      assert.deepEqual(keyOf(next), key);
      assert.deepEqual(madeKeyOf(next), isMade ? key : undefined);
      assert.deepEqual(leafIn(next), hasLeaf(next) ? candidate : undefined);
    });
  }
  test('there is none', () => {
    assert.deepEqual([madeKeyOf(undefined), leafIn(undefined), restOf(undefined)], [undefined, undefined, undefined]);
    assert.equal(hasLeaf(undefined), false);
  });
  test('what rests, and what is in work', () => {
    for (const next of [waits, unwanted(), { ...made(), rest }, { ...wanted(), rest }])
      assert.deepEqual(restOf(next), rest);
    for (const next of [wanted(), made(), sent(), assigned()]) assert.equal(restOf(next), undefined);
  });
  test('what it has met is told while it rests and while it is asked for again, and not of one that is discarded', () => {
    for (const next of [waits, unwanted(), again, { ...made(), rest }]) assert.deepEqual(metBy(next), rest.failure);
    for (const next of [sent(), { ...unwanted(), because: 'discarded' } as const]) assert.equal(metBy(next), undefined);
  });
});
