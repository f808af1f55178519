import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { entryOf, validateEntry } from '../../../agent/state/entry.ts';
import { assigned, made, met, sent, unwanted, wanted } from '../roll/candidates.ts';
import { NOW } from '../roll/machine.ts';
import { REFUSAL, SITUATIONS } from '../roll/situations.ts';
import { current, rest, waits } from '../roll/standing.ts';

/** As it comes back from the disk. */
const written = (entry: object): unknown => JSON.parse(JSON.stringify(entry));

const withNext = (next: object): object => ({ ...entryOf(SITUATIONS.serving), next });

describe('an entry is read as it was written', () => {
  for (const [phase, state] of Object.entries(SITUATIONS)) {
    test(phase, () => assert.deepEqual(validateEntry(written(entryOf(state))), entryOf(state)));
  }
  const candidates: Readonly<Record<string, object>> = {
    'that waits for a delivery': made('delivery'),
    'that waits for the next roll': wanted('spare'),
    'whose token makes no key': { ...wanted(), isSecond: true, tries: 2, rest },
    'whose issuer refuses': { ...made(), isKeyTrusted: true, isSecond: true, tries: 2, rest },
    'that is parked': waits,
    'that comes back': { ...sent(), tries: 1, last: REFUSAL },
    'that DPS has assigned': { ...assigned(), from: 'hub' },
    'that a person has discarded': { ...unwanted(), from: 'person', because: 'discarded' },
  };
  for (const [which, candidate] of Object.entries(candidates)) {
    test(`with a candidate ${which}`, () => {
      const found = validateEntry(written(withNext(candidate)));
      assert.deepEqual({ ...found, phase: 'serving' }, withNext(candidate));
    });
  }
  test('with keys that are to be destroyed, in each state', () => {
    const kept = { slot: 'b', id: 'g1', is: 'undestroyed', againAt: NOW };
    const others = [
      { slot: 'a', id: 'g2', is: 'remembered' },
      { slot: 'b', id: 'g3', is: 'pending', tries: 2 },
    ];
    const entry = { ...entryOf(SITUATIONS.serving), phase: 'retiring-key', retire: [kept, ...others] };
    assert.deepEqual(validateEntry(written(entry)), entry);
    const { againAt: _, ...endless } = kept;
    assert.throws(() => validateEntry(written({ ...entry, retire: [endless] })), {
      message: /^"retire\.0\.againAt": /,
    });
  });
  test('with what hinders work and session', () => {
    const troubled = {
      ...entryOf(SITUATIONS.serving),
      workTrouble: { ...met(REFUSAL), request: 'r' },
      sessionTrouble: met(REFUSAL),
    };
    assert.deepEqual(validateEntry(written(troubled)), troubled);
  });
});

test('a candidate that waits for something else is refused, and not read in part', () => {
  const message = '"next.for": Invalid type: Expected ("roll" | "delivery" | "spare") but received true';
  assert.throws(() => validateEntry(written(withNext({ ...made(), for: true }))), { message });
});

test('so is one of no kind', () => {
  assert.throws(() => validateEntry(written(withNext({ ...sent(), is: 'lost' }))), { message: /^"next\.is": / });
});

test('so is an ended request that the rules cannot read; a word of a newer newleaf in it is none', () => {
  const ended = { id: 'r', action: 'roll', reason: 'newer', from: 'newer', outcome: 'newer', at: NOW, endedAt: NOW };
  const entry = { ...entryOf(SITUATIONS.serving), outcomes: [ended] };
  assert.deepEqual(validateEntry(written(entry)), entry);
  const { endedAt: _, ...open } = ended;
  const message = /^"outcomes\.0\.endedAt": /;
  assert.throws(() => validateEntry(written({ ...entry, outcomes: [open] })), { message });
});

test('the phase follows from the facts, whatever was written', () => {
  const entry = { ...entryOf(SITUATIONS['registering-next']), phase: 'serving' };
  assert.equal(validateEntry(written(entry)).phase, 'registering-next');
});

test('without a current leaf there is nothing to register or to go back to', () => {
  const { current: _, ...leafless } = entryOf(SITUATIONS.unprovisioned);
  for (const facts of [{ ask: true }, { stranded: true }, { next: unwanted(current) }])
    assert.throws(() => validateEntry(written({ ...leafless, ...facts })), { message: /there is no current leaf$/ });
});

test('what a newer newleaf has written beside it stops no gateway after a downgrade', () => {
  const newer = withNext({ ...made('delivery'), newer: true });
  assert.deepEqual(validateEntry(written(newer)), newer);
});
