import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type Candidate,
  hasLeaf,
  keyOf,
  leafIn,
  madeKeyOf,
  mayBeTrusted,
  restOf,
  resumed,
  sent as sentOf,
} from '../../../agent/roll/candidate.ts';
import { assigned, made, sent, unwanted, wanted } from './candidates.ts';
import { REFUSAL } from './situations.ts';
import { candidate, rest, waits } from './standing.ts';

const { key } = candidate;

/** Whether its key is in the token, and whether DPS may trust its leaf or an earlier one of its key. */
const ROWS: readonly (readonly [what: string, Candidate, isMade: boolean, isTrusted: boolean])[] = [
  ['a key that is wanted', wanted(), false, false],
  ['one that the token did not make', { ...wanted(), rest }, false, false],
  ['a key that is made', made(), true, false],
  ['one whose earlier leaf DPS may trust', { ...made(), isKeyTrusted: true }, true, true],
  ['a leaf that is sent', sent(), true, true],
  ['one that is assigned', assigned(), true, true],
  ['parked without an answer', { ...waits, trust: 'possible' }, true, true],
  ['parked, as DPS refuses it', { ...waits, trust: 'refused' }, true, false],
  ['parked, and the current leaf registered since', { ...waits, trust: 'none' }, true, false],
  ['parked, and DPS may trust an earlier leaf of its key', { ...waits, isKeyTrusted: true }, true, true],
  ['one that makes room', unwanted(), true, true],
];

describe('what is asked about a candidate', () => {
  for (const [what, next, isMade, isTrusted] of ROWS) {
    test(`${what}: ${isMade ? 'its key is made' : 'no key yet'}, ${isTrusted ? 'trusted perhaps' : 'not trusted'}`, () => {
      assert.deepEqual(keyOf(next), key);
      assert.deepEqual(madeKeyOf(next), isMade ? key : undefined);
      assert.equal(mayBeTrusted(next), isTrusted);
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
});

describe('a candidate that is sent', () => {
  for (const [what, next, last] of [
    ['from its issuer', sent(), undefined],
    ['that was parked', waits, REFUSAL],
    ['that was to make room', unwanted(), REFUSAL],
    ['that asks for another hub', assigned(), undefined],
  ] as const) {
    test(`${what} keeps its rungs and where it came from, and no place or trust of before`, () => {
      const from = { ...next, from: 'hub', tries: 4 } as const;
      assert.deepEqual(sentOf(from), { is: 'sent', leaf: candidate, from: 'hub', tries: 4, ...(last && { last }) });
    });
  }
});

describe('a key that is resumed', () => {
  for (const [what, next] of [
    ['for the next roll', made('spare')],
    ['for a delivery', wanted('delivery')],
    ['on its ladder', { ...made(), rest }],
    ['that is a second one', { ...wanted(), isSecond: true, rest }],
  ] as const) {
    test(`${what} is of a roll, and does not rest; its rungs are kept, and why it rested`, () => {
      const { rest: rested, ...going } = { rest: undefined, ...next };
      const last = rested === undefined ? {} : { last: rest.failure };
      assert.deepEqual(resumed({ ...next, tries: 2 }), { ...going, for: 'roll', tries: 2, ...last });
    });
  }
});
