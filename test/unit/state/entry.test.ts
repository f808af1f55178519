import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { differs, entryOf, isIntended, memoryOf } from '../../../agent/roll/core/entry.ts';
import type { Generation, Memory } from '../../../agent/roll/core/memory.ts';
import type { RollEffect } from '../../../agent/roll/state.ts';
import { validateEntry } from '../../../agent/state/entry.ts';
import { hub, leafOf, NOW } from '../roll/machine.ts';
import {
  answer,
  forPerson,
  leafed,
  MEMORIES,
  made,
  named,
  parked,
  served,
  serving,
  trusted,
} from '../roll/memories.ts';
import { candidate, current, request } from '../roll/standing.ts';

/** As it comes back from the disk. */
const written = (entry: object): unknown => JSON.parse(JSON.stringify(entry));
const HOUR = 3_600_000;

describe('an entry is read as it was written', () => {
  const generations: Readonly<Record<string, Generation>> = {
    'that waits for a delivery': forPerson,
    'that is a second one': { ...named(), isSecond: true },
    'that the hub has brought': { ...leafed(), from: 'hub' },
    'that a person has discarded': { ...leafed(), from: 'person', isDiscarded: true },
  };
  const rows: readonly (readonly [what: string, Memory])[] = [
    ...Object.entries(MEMORIES),
    ...Object.entries(generations).map(([what, next]) => [`a candidate ${what}`, { ...serving, next }] as const),
    ['a candidate that DPS refuses', parked],
    [
      'keys that are to be destroyed',
      {
        ...serving,
        old: [
          { slot: 'b', id: 'g1' },
          { slot: 'a', id: 'g2', isRemembered: true },
        ],
      },
    ],
    ['a request that is planned', { ...serving, scheduled: { ...request('roll'), startAt: NOW } }],
    ['what poisoned a process', { ...serving, poisoned: [{ effect: 'generate-key', at: NOW, times: 2 }] }],
  ];
  for (const [what, memory] of rows)
    test(what, () => assert.deepEqual(validateEntry(written(entryOf(memory))), entryOf(memory)));
});

describe('an entry with a wrong field is refused, and named', () => {
  const entry = entryOf({ ...parked, old: [{ slot: 'b', id: 'g1' }] });
  const ended = { id: 'r', action: 'roll', reason: 'newer', from: 'newer', outcome: 'newer', at: NOW };
  const rows: readonly (readonly [field: string, wrong: object])[] = [
    ['next.isMade', { next: { ...made(), isMade: 'yes' } }],
    ['next.key.slot', { next: { ...made(), key: { slot: 'c', id: '1' } } }],
    ['current.notAfter', { current: { ...current, notAfter: '2030' } }],
    ['at.current.hub', { at: { current: { deviceId: 'gw-1' } } }],
    ['old.0.id', { old: [{ slot: 'b' }] }],
    ['trusts.0.keyId', { trusts: [{ thumbprint: 'T' }] }],
    ['answers.make.verdict', { answers: { make: { ...answer('broken'), verdict: 'lost' } } }],
    ['answers.make.times', { answers: { make: { ...answer('broken'), times: undefined } } }],
    ['ask.request.action', { ask: { request: { ...request('roll'), action: 'jump' } } }],
    ['outcomes.0.endedAt', { outcomes: [ended] }],
    ['budget', { budget: 1 }],
  ];
  for (const [field, wrong] of rows) {
    test(field, () => {
      const message = new RegExp(`^"${field.replaceAll('.', '\\.')}": `);
      assert.throws(() => validateEntry(written({ ...entry, ...wrong })), { message });
    });
  }
  test('what a newer newleaf has written beside it stops no gateway after a downgrade', () => {
    const newer = { ...entry, newer: 1, next: { ...entry.next, newer: true }, outcomes: [{ ...ended, endedAt: NOW }] };
    assert.deepEqual(validateEntry(written(newer)), newer);
  });
});

describe('worth a write, before the next effect goes out', () => {
  const disk = entryOf(serving);
  const silent = answer('silent', 'NL-DPS-TIMEOUT');
  const rows: readonly (readonly [what: string, Memory, expected: boolean])[] = [
    ['nothing has changed', serving, false],
    ['another leaf', { ...serving, current: candidate }, true],
    ['a name for a key', { ...serving, next: named() }, true],
    [
      'an attempt that goes out',
      { ...serving, trusts: [trusted(current), { ...trusted(candidate), isNew: true }] },
      true,
    ],
    ['a refusal', { ...serving, answers: { 'register current': answer('refused', 'NL-DPS-401002') } }, true],
    ['a silence', { ...serving, answers: { dps: silent } }, false],
    [
      'a silence that lasts: its pause outlives a power cut',
      { ...serving, answers: { dps: { ...silent, times: 3 } } },
      true,
    ],
    ['a hub that does not answer', { ...serving, answers: { 'connect current': silent } }, false],
    ['a session', served, false],
    ['sessions that end', { ...serving, flaps: 2 }, false],
    ['a server that is seen for the first time', { ...serving, lastSeen: NOW }, true],
    [
      'the way it came there',
      { ...serving, trail: [{ at: NOW, from: 'serving', to: 'stranded', why: 'refused' }] },
      false,
    ],
  ];
  for (const [what, memory, expected] of rows)
    test(`${what}: ${expected}`, () => assert.equal(differs(entryOf(memory), disk), expected));
  test('a server that is seen again within an hour is not', () => {
    const seen = entryOf({ ...serving, lastSeen: NOW });
    assert.equal(differs(entryOf({ ...serving, lastSeen: NOW + HOUR - 1 }), seen), false);
    assert.equal(differs(entryOf({ ...serving, lastSeen: NOW + HOUR }), seen), true);
  });
  test('what is of this process alone is not written', () => {
    const { online, flaps, end, ...kept } = { end: undefined, ...memoryOf(entryOf({ ...serving, flaps: 3 })) };
    assert.deepEqual([online, flaps, end, kept.current], [undefined, 0, undefined, current]);
  });
});

describe('an effect may go out while the disk holds no more than this', () => {
  const register = (leaf = current): RollEffect => ({ kind: 'register', leaf });
  const connect = (leaf = current): RollEffect => ({ kind: 'connect', leaf, assignment: hub });
  const make: RollEffect = { kind: 'generate-key', slot: 'b', id: 'g1' };
  const issue: RollEffect = { kind: 'request-leaf', key: candidate.key };
  const destroy: RollEffect = { kind: 'destroy-key', key: { slot: 'b', id: 'g1' } };
  const old = [{ slot: 'b', id: 'g1' }] as const;
  const given = { ...leafOf('g5', 'a'), key: { slot: 'given', id: 'f0' } } as const;
  const rows: readonly (readonly [what: string, RollEffect, Memory | undefined, expected: boolean])[] = [
    ['the current leaf', register(), serving, true],
    ['its session', connect(), serving, true],
    ['a leaf that it does not know', register(candidate), serving, false],
    ['one that DPS may trust by it', register(candidate), MEMORIES['registering-next'], true],
    ['a factory leaf, before anything is written', register(given), undefined, true],
    ['any other leaf', register(), undefined, false],
    ['a key with the name that it holds', make, { ...serving, next: named() }, true],
    ['a key of no name', make, serving, false],
    ['a key in another place', { ...make, slot: 'a' }, { ...serving, next: named() }, false],
    ['a leaf for the key that is made', issue, { ...serving, next: made() }, true],
    ['a leaf for one that is not', issue, { ...serving, next: named() }, false],
    ['an old key', destroy, { ...serving, old }, true],
    ['a key that is not named as old', destroy, serving, false],
    ['an old one that is current', destroy, { ...serving, old, current: candidate }, false],
    ['or next', destroy, { ...serving, old, next: leafed() }, false],
    ['any key, before anything is written', destroy, undefined, false],
  ];
  for (const [what, effect, memory, expected] of rows)
    test(`${what}: ${expected}`, () => assert.equal(isIntended(effect, memory && entryOf(memory)), expected));
});
