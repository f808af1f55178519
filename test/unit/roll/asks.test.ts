import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { replaced } from '../../../agent/roll/core/generation.ts';
import { type Answer, type Memory, without } from '../../../agent/roll/core/memory.ts';
import { plan } from '../../../agent/roll/core/plan.ts';
import { settle } from '../../../agent/roll/core/settle.ts';
import { NOW } from './machine.ts';
import { answer, circumstances, leafed, MEMORIES, made, named, parked, served, serving, trusted } from './memories.ts';
import { briefly, standing } from './stage.ts';
import { candidate, current, HOUR, MINUTE } from './standing.ts';

const old = [{ slot: 'b', id: 'g9' }] as const;
const ofOld = { thumbprint: 'T-g9', keyId: 'g9' };

/** What a memory asks for in this moment, of a gateway with a session unless it says otherwise. */
describe('facts, and what is asked', () => {
  const rows: readonly (readonly [facts: string, Memory, asked: string])[] = [
    ['nothing', serving, 'serving'],
    ['no session', served, 'serving, connect a'],
    ['an old key', { ...serving, old }, 'retiring-key, destroy-key b'],
    [
      'one of which DPS may trust a leaf: that is told to trust the current one',
      { ...serving, old, trusts: [trusted(current), ofOld] },
      'registering, register a',
    ],
    ['one that is remembered', { ...serving, old: [{ ...old[0], isRemembered: true }] }, 'serving'],
    ['an old key in the place of a named one', { ...serving, old, next: named() }, 'retiring-key, destroy-key b'],
    ['a spare key', { ...serving, next: { key: candidate.key, isMade: true } }, 'serving'],
    ['a candidate that DPS refuses', parked, 'serving'],
    [
      'that is discarded, and DPS has heard of it',
      { ...parked, next: { ...leafed(), isDiscarded: true }, trusts: [trusted(candidate)] },
      'abandoning, register a',
    ],
    [
      'the hub refuses the current leaf',
      { ...served, answers: { 'connect current': answer('refused', 'NL-HUB-REJECTED') } },
      'registering, register a',
    ],
    ['so does DPS', MEMORIES.stranded, 'stranded'],
    ['other settings than were registered', { ...serving, registered: 'scope/gw-2@dps' }, 'registering, register a'],
  ];
  for (const [facts, memory, asked] of rows)
    test(`${facts}: ${asked}`, () => assert.equal(briefly(standing(memory)), asked));

  test('no old key is asked for while DPS trusts a leaf of it', () => {
    const { wanted } = plan({ ...serving, old, trusts: [trusted(current), ofOld] }, circumstances());
    assert.deepEqual(
      wanted.map(({ row }) => row),
      ['register current'],
    );
  });

  test('nor does another key take the place of one of which DPS trusts a leaf, beside a current leaf that is of use', () => {
    const heard = [trusted(current), { thumbprint: 'T-before', keyId: candidate.key.id }];
    const another = (memory: Memory) => replaced(memory, circumstances(), candidate.key, 'asked');
    assert.equal(another({ ...serving, next: made(), trusts: heard }), undefined);
    assert.deepEqual(another({ ...serving, next: made() })?.old, [candidate.key]);
  });
});

describe('a candidate makes room', () => {
  const settled = (memory: Memory) => settle(memory, circumstances()).next?.leaf;
  const cure: Memory = { ...serving, next: { ...leafed(), because: 'dps-refused' } };
  const rows: readonly (readonly [facts: string, Memory, stays: boolean])[] = [
    ['it is discarded', { ...serving, next: { ...leafed(), isDiscarded: true } }, false],
    [
      'and DPS may trust it',
      { ...serving, next: { ...leafed(), isDiscarded: true }, trusts: [trusted(candidate)] },
      true,
    ],
    ['it was to cure a refusal, and the current leaf serves', cure, false],
    ['which DPS refuses still', { ...cure, answers: { 'register current': answer('refused', 'NL-DPS-401002') } }, true],
    ['which has no session', without(cure, 'online'), true],
    ['it was asked for', { ...serving, next: leafed() }, true],
    ['it has expired', { ...serving, next: leafed({ ...candidate, notAfter: NOW }) }, false],
    [
      'by a clock that is too early',
      { ...serving, lastSeen: NOW + 1, next: leafed({ ...candidate, notAfter: NOW }) },
      false,
    ],
  ];
  for (const [facts, memory, stays] of rows)
    test(`${facts}: ${stays ? 'it stays' : 'it goes'}`, () => assert.equal(settled(memory) !== undefined, stays));
});

describe('an answer of another process, by a clock that was ahead', () => {
  const { up: _, ...ahead } = answer('refused', 'NL-DPS-401002', { at: NOW + HOUR });
  const own = answer('refused', 'NL-DPS-401002', { at: NOW + HOUR });
  const doubted = { lastSeen: NOW + 1 };
  const rows: readonly (readonly [facts: string, told: Answer, at: number, age: number, memory?: Partial<Memory>])[] = [
    ['came before this one began, and is kept so', ahead, NOW - MINUTE, MINUTE],
    ['it stays where the clock of now may be wrong', ahead, NOW + HOUR, MINUTE, doubted],
    ['which goes with the first quarter of an hour, in which NTP would have set it', ahead, NOW - HOUR, HOUR, doubted],
    ['one of this process has its own clock', own, NOW + HOUR, MINUTE],
    ['one that is past stays', { ...ahead, at: NOW - 1 }, NOW - 1, MINUTE],
  ];
  for (const [facts, told, at, age, memory] of rows)
    test(facts, () => {
      const met = { ...serving, ...memory, answers: { 'register current': told } };
      const { answers } = settle(met, { ...circumstances(), age });
      assert.equal(answers['register current']?.at, at);
    });
});
