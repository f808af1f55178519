import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Phase } from '../../../agent/roll/phase.ts';
import { type Entry, validateEntry } from '../../../agent/state/entry.ts';
import { createJournal } from '../../../agent/state/journal.ts';
import { assigned, made, sent, unwanted, wanted } from '../roll/candidates.ts';
import { hub, NOW } from '../roll/machine.ts';
import { REFUSAL } from '../roll/situations.ts';
import { candidate, current, HOUR, request, waits } from '../roll/standing.ts';
import { fault, scratch } from './disk.ts';

/* Gateways in the field have a state file of format 1. Its shapes are written here by hand: no code makes them any more. */

const common = {
  rejected: false,
  unproven: 0,
  outcomes: [],
  budget: { left: 0, at: 0 },
  trail: [{ at: NOW - HOUR, from: 'registering', to: 'serving', why: 'registered' }],
};
const leafless = { ...common, trail: [] };
const serving = { ...common, current, assignment: hub, registered: 'scope/gw-1@dps' };
const rolling = { ...serving, request: request('roll') };
const key = { slot: 'b', id: 'g1', sent: false } as const;
const keyless = { slot: 'b', intended: 'g1', sent: false } as const;
const leaf = { slot: 'b', id: 'g1', leaf: candidate, sent: true } as const;
const refused = { failure: REFUSAL, times: 3, askAt: NOW + HOUR } as const;
const rest = { failure: REFUSAL, askAt: NOW + HOUR } as const;
const unheld = { failure: { ...REFUSAL, code: 'NL-TOKEN-KEY' }, times: 3, askAt: NOW } as const;

interface Row {
  /** The phase that follows from it today; where there is none, that which was written. */
  readonly phase?: Phase;
  /** What is read, beside the fields that were written as they are today. */
  readonly read?: object;
}

const ROWS: readonly (readonly [what: string, phase: Phase, written: object, Row])[] = [
  ['a new gateway', 'unprovisioned', leafless, {}],
  ['a gateway that serves', 'serving', serving, {}],
  ['a registration', 'registering', { ...serving, request: request('re-register') }, { read: { ask: true } }],
  ['a roll that makes its key', 'generating-key', { ...rolling, next: keyless }, { read: { next: wanted() } }],
  [
    'that makes it again, by its ladder',
    'generating-key',
    { ...rolling, next: { ...keyless, renewed: true, parked: refused } },
    { read: { next: { ...wanted(), isSecond: true, tries: 3, last: REFUSAL } } },
  ],
  ['that waits for its issuer', 'requesting-leaf', { ...rolling, next: key }, { read: { next: made() } }],
  ['that was interrupted to ask DPS', 'registering', { ...rolling, next: key }, { read: { ask: true, next: made() } }],
  ['that registers its leaf', 'registering-next', { ...rolling, next: leaf }, { read: { next: sent() } }],
  [
    'that registers it once more',
    'registering-next',
    { ...rolling, next: { ...leaf, parked: refused } },
    { read: { next: { ...sent(), tries: 3, last: REFUSAL } } },
  ],
  [
    'that proves it',
    'connecting-next',
    { ...rolling, next: { ...leaf, assignment: hub, refusals: 2 } },
    { read: { next: { ...assigned(), tries: 2 } } },
  ],
  [
    'that destroys the old key',
    'retiring-key',
    { ...serving, retire: { slot: 'b', id: 'g9', tries: 1 } },
    { read: { retire: [{ slot: 'b', id: 'g9', is: 'pending', tries: 1 }] } },
  ],
  [
    'that goes back: the hub refuses its leaf',
    'abandoning',
    { ...rolling, next: { ...leaf, parked: refused } },
    { read: { next: { ...unwanted(), tries: 3, rest } } },
  ],
  [
    'that goes back: a person has discarded its leaf',
    'abandoning',
    { ...rolling, next: { ...leaf, parked: refused, unwanted: true } },
    { read: { next: { ...unwanted(), tries: 3, rest, because: 'discarded' } } },
  ],
  [
    'that goes back: the key of its leaf is lost',
    'abandoning',
    { ...rolling, next: { ...leaf, parked: unheld, unwanted: true } },
    { read: { next: { ...unwanted(), tries: 3, rest: { failure: unheld.failure, askAt: NOW }, because: 'key-lost' } } },
  ],
  [
    'a gateway that waits for a person',
    'stranded',
    { ...serving, rejected: true, probe: { times: 1, askAt: NOW } },
    { read: { stranded: true } },
  ],
  [
    'a candidate that DPS refuses',
    'serving',
    { ...serving, next: { ...leaf, denied: true, parked: refused } },
    { read: { next: { ...waits, tries: 3, rest } } },
  ],
  [
    'a candidate that DPS may trust',
    'serving',
    { ...serving, next: { ...leaf, parked: refused } },
    { read: { next: { ...waits, tries: 3, rest, trust: 'possible' } } },
  ],
  [
    'a candidate that has lost its place',
    'serving',
    { ...serving, next: { ...leaf, sent: false, parked: refused } },
    { read: { next: { ...waits, tries: 3, rest, trust: 'none' } } },
  ],
  [
    'an issuer that refuses',
    'serving',
    { ...serving, next: { ...key, parked: refused } },
    { read: { next: { ...made(), tries: 3, rest } } },
  ],
  [
    'a CSR that is out',
    'serving',
    { ...serving, next: { ...key, waitsFor: 'delivery' } },
    { read: { next: made('delivery') } },
  ],
  [
    'a CSR whose key is made',
    'generating-key',
    { ...serving, next: { ...keyless, waitsFor: 'delivery' } },
    { read: { next: wanted('delivery') } },
  ],
  [
    'a key that is there for the next roll',
    'serving',
    { ...serving, next: { ...key, waitsFor: 'roll' } },
    { read: { next: made('spare') } },
  ],
  [
    'a key whose leaf had expired, and that DPS may trust',
    'unprovisioned',
    { ...leafless, next: { ...key, sent: true, waitsFor: 'roll' } },
    { read: { next: { ...made('spare'), isKeyTrusted: true } } },
  ],
  [
    'a key for the next roll that was being made: it is not made any more',
    'generating-key',
    { ...serving, next: { ...keyless, waitsFor: 'roll' } },
    { phase: 'serving', read: { next: wanted('spare') } },
  ],
  [
    'a CSR whose key is made while the gateway is stranded',
    'generating-key',
    { ...serving, rejected: true, probe: { times: 2, askAt: NOW }, next: { ...keyless, waitsFor: 'delivery' } },
    { read: { stranded: true, next: wanted('delivery') } },
  ],
  [
    'the same where its slot is cleared first',
    'retiring-key',
    {
      ...serving,
      rejected: true,
      probe: { times: 2, askAt: NOW },
      retire: { slot: 'b', id: 'g9', tries: 4 },
      next: { ...keyless, waitsFor: 'delivery' },
    },
    { read: { stranded: true, next: wanted('delivery'), retire: [{ slot: 'b', id: 'g9', is: 'pending', tries: 4 }] } },
  ],
];

/** A state file as an older newleaf has written it. */
function old(directory: string, entry: object, format: unknown = 1): string {
  const digest = createHash('sha256').update(JSON.stringify(entry)).digest('hex');
  const path = join(directory, 'state.json');
  writeFileSync(
    path,
    `${JSON.stringify({ format, written: '2026-11-20T00:00:00.000Z', entry, digest }, undefined, 1)}\n`,
  );
  return path;
}

const open = (directory: string) => createJournal<Entry>({ directory, validate: validateEntry });

describe('a state file of format 1 is read as one of today, and written back as such', () => {
  for (const [what, phase, entry, { phase: after = phase, read = {} }] of ROWS) {
    test(`${phase}: ${what}`, async (t) => {
      const directory = scratch(t);
      const path = old(directory, { ...entry, phase });
      const journal = open(directory);
      const found = await journal.read();
      assert.ok(found !== 'absent');
      assert.deepEqual(found, { ...entry, retire: [], ...read, phase: after });
      await journal.write(found);
      assert.equal(JSON.parse(readFileSync(path, 'utf8')).format, 2);
      assert.deepEqual(await open(directory).read(), found);
    });
  }

  test('what has hindered it is what hinders its work', async (t) => {
    const directory = scratch(t);
    old(directory, { ...serving, phase: 'serving', trouble: REFUSAL });
    const found = await open(directory).read();
    assert.ok(found !== 'absent');
    assert.deepEqual(found.workTrouble, { failure: REFUSAL, at: NOW - HOUR });
    assert.equal('trouble' in found, false);
  });

  test('a key that was to get its CKA_ID once its slot was free has one', async (t) => {
    const directory = scratch(t);
    old(directory, { ...rolling, phase: 'retiring-key', retire: { slot: 'b', id: 'g9', tries: 0 } });
    const found = await open(directory).read();
    assert.ok(found !== 'absent' && found.next?.is === 'key-wanted');
    const { id, ...others } = found.next;
    assert.match(id, /^[0-9a-f]{32}$/);
    assert.deepEqual([found.phase, others], ['retiring-key', { is: 'key-wanted', slot: 'b', for: 'roll', tries: 0 }]);
  });
});

describe('a state file of format 1 that is corrupt is refused, and stays as it is', () => {
  const { thumbprint: _, ...nameless } = candidate;
  const rows: readonly (readonly [what: string, entry: object, words: RegExp])[] = [
    [
      'a leaf lacks its thumbprint',
      { ...rolling, phase: 'registering-next', next: { ...leaf, leaf: nameless } },
      /"next/,
    ],
    ['the candidate is no object', { ...rolling, phase: 'requesting-leaf', next: 'b' }, /"next/],
    ['a phase that was never there', { ...serving, phase: 'sleeping' }, /"phase"/],
    ['nothing to register', { ...leafless, phase: 'registering' }, /there is no current leaf/],
  ];
  for (const [what, entry, words] of rows) {
    test(what, async (t) => {
      const directory = scratch(t);
      const path = old(directory, entry);
      const before = readFileSync(path, 'utf8');
      await assert.rejects(open(directory).read(), (error) => words.test(String(error)));
      await assert.rejects(open(directory).read(), fault('NL-STATE-CORRUPT', /holds an entry with wrong fields/));
      assert.equal(readFileSync(path, 'utf8'), before);
    });
  }
});
