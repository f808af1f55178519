import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Phase } from '../../../agent/roll/state.ts';
import { entryOf, validateEntry } from '../../../agent/state/entry.ts';
import { SITUATIONS } from '../roll/situations.ts';
import { candidate, waits } from '../roll/standing.ts';

/** As it comes back from the disk. */
const written = (entry: object): unknown => JSON.parse(JSON.stringify(entry));

const withNext = (next: object): object => ({ ...entryOf(SITUATIONS.serving), next });

const next = { slot: 'b', id: 'g1', sent: false } as const;

describe('an entry is read as it was written', () => {
  for (const [phase, state] of Object.entries(SITUATIONS)) {
    test(phase, () => assert.deepEqual(validateEntry(written(entryOf(state))), entryOf(state)));
  }
  const candidates: Readonly<Record<string, object>> = {
    'that waits for a delivery': { ...next, waitsFor: 'delivery' },
    'that waits for the next roll': { slot: 'b', intended: 'g1', sent: false, waitsFor: 'roll' },
    'that is parked': { ...waits, refusals: 1, renewed: true, unwanted: true },
  };
  for (const [which, candidate] of Object.entries(candidates)) {
    test(`with a candidate ${which}`, () => {
      assert.deepEqual(validateEntry(written(withNext(candidate))), withNext(candidate));
    });
  }
});

/** What each phase has in flight, and what is lost of it. */
const LACKS: readonly (readonly [Phase, lacks: object, missing: string])[] = [
  ['serving', { current: undefined }, 'current leaf'],
  ['registering', { current: undefined }, 'current leaf'],
  ['abandoning', { current: undefined }, 'current leaf'],
  ['stranded', { current: undefined }, 'current leaf'],
  ['generating-key', { next: undefined }, 'candidate'],
  ['requesting-leaf', { next: { ...next, id: undefined } }, 'key of the candidate'],
  ['registering-next', { next }, 'leaf of the candidate'],
  ['connecting-next', { next: { ...next, leaf: candidate } }, 'assignment of the candidate'],
  ['retiring-key', { retire: undefined }, 'key to retire'],
];
for (const [phase, lacks, missing] of LACKS) {
  test(`${phase} without its ${missing} is refused: nothing would be in flight`, () => {
    const message = `the phase is "${phase}", but there is no ${missing}`;
    assert.throws(() => validateEntry(written({ ...entryOf(SITUATIONS[phase]), ...lacks })), { message });
  });
}

test('a candidate that waits for something else is refused, and not read in part', () => {
  const message = '"next.waitsFor": Invalid type: Expected ("delivery" | "roll") but received true';
  assert.throws(() => validateEntry(written(withNext({ ...next, waitsFor: true }))), { message });
});

test('what a newer newleaf has written beside it stops no gateway after a downgrade', () => {
  const newer = withNext({ ...next, newer: true });
  assert.deepEqual(validateEntry(written(newer)), newer);
});
