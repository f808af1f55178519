import assert from 'node:assert/strict';
import { test } from 'node:test';
import { differs, isIntended } from '../../../agent/daemon/intent.ts';
import { failure } from '../../../agent/failure/failure.ts';
import { effectsOf, type RollEffect, type RollState, unprovisioned } from '../../../agent/roll/state.ts';
import { type Entry, entryOf } from '../../../agent/state/entry.ts';
import { assigned, made, met, sent, unwanted, wanted } from '../roll/candidates.ts';
import { hub, leafOf, NOW } from '../roll/machine.ts';
import { waits } from '../roll/standing.ts';
import { candidate, current, HOUR, servingState } from './gateway.ts';

const given = leafOf('factory', 'given');
const disk = (change: Partial<RollState>): Entry => entryOf({ ...servingState, ...change });
const next = made();
const register = (leaf: typeof current): RollEffect => ({ kind: 'register', leaf });
const connect = (leaf: typeof current): RollEffect => ({ kind: 'connect', leaf, assignment: hub });
const generate: RollEffect = { kind: 'generate-key', slot: 'b', id: 'g1' };
const request: RollEffect = { kind: 'request-leaf', key: { slot: 'b', id: 'g1' } };
const destroy = (id: string): RollEffect => ({ kind: 'destroy-key', key: { slot: 'b', id } });
const retire = [{ slot: 'b', id: 'g1', is: 'pending', tries: 0 }] as const;

const ROWS: readonly (readonly [name: string, effect: RollEffect, disk: Entry | undefined, may: boolean])[] = [
  ['the current leaf is registered', register(current), disk({}), true],
  ['the current leaf is connected', connect(current), disk({ phase: 'registering' }), true],
  ['the current leaf is connected beside a candidate', connect(current), disk({ next }), true],
  ['a leaf that the disk does not know is not registered', register(candidate), disk({}), false],
  ['nor one whose key alone is known', register(candidate), disk({ next }), false],
  [
    'nor a candidate that was not to be sent yet',
    register(candidate),
    disk({ next: { ...waits, trust: 'none' } }),
    false,
  ],
  ['one that was to be sent is registered', register(candidate), disk({ next: sent(candidate) }), true],
  ['and connected', connect(candidate), disk({ next: sent(candidate) }), true],
  ['a factory leaf is found in the token once more', register(given), undefined, true],
  ['but not where another leaf has taken its place', register(given), disk({}), false],
  ['a leaf of ours on an empty disk', register(current), undefined, false],
  ['no key is made on an empty disk', generate, undefined, false],
  ['nor where no candidate is begun', generate, disk({}), false],
  ['nor under a CKA_ID that the disk does not have', generate, disk({ next: { ...wanted(), id: 'g2' } }), false],
  ['nor in place of one that is known', generate, disk({ next }), false],
  ['it is where the disk says so', generate, disk({ next: wanted() }), true],
  ['no CSR is sent for a key that the disk does not know', request, disk({ next: wanted() }), false],
  ['it is for one that it knows', request, disk({ next }), true],
  ['no key is destroyed that the disk has not given up', destroy('g1'), disk({}), false],
  [
    'nor the one of the current leaf',
    destroy('g0'),
    disk({ retire: [{ slot: 'a', id: 'g0', is: 'pending', tries: 0 }] }),
    false,
  ],
  ['nor the one of a candidate', destroy('g1'), disk({ next, retire }), false],
  ['it is where the disk has', destroy('g1'), disk({ retire }), true],
];

for (const [name, effect, known, may] of ROWS) test(name, () => assert.equal(isIntended(effect, known), may));

test('what is on the disk may be done: each phase allows its own effects', () => {
  const states: readonly RollState[] = [
    { ...servingState, phase: 'registering', ask: true },
    { ...servingState, phase: 'generating-key', next: wanted() },
    { ...servingState, phase: 'requesting-leaf', next },
    { ...servingState, phase: 'registering-next', next: sent(candidate) },
    { ...servingState, phase: 'connecting-next', next: assigned(candidate) },
    { ...servingState, phase: 'abandoning', next: unwanted(candidate) },
    { ...servingState, phase: 'retiring-key', retire },
  ];
  for (const state of states) {
    const effects = effectsOf(state);
    assert.equal(effects.length, 2, state.phase);
    for (const effect of effects) assert.ok(isIntended(effect, entryOf(state)), `${state.phase}: ${effect.kind}`);
  }
});

const DIFFERENCES: readonly (readonly [name: string, change: Partial<RollState>, differs: boolean])[] = [
  ['nothing', {}, false],
  ['a session', { online: 'T@hub' }, false],
  ['another trouble of the session', { sessionTrouble: met(failure('NL-HUB-UNREACHABLE')) }, false],
  ['another trouble of the work', { workTrouble: met(failure('NL-EST-UNREACHABLE')) }, false],
  ['a server seen half an hour later', { lastSeen: NOW + HOUR / 2 }, false],
  ['a server seen an hour later', { lastSeen: NOW + HOUR }, true],
  ['a clock that was set back by an hour', { lastSeen: NOW - HOUR }, true],
  ['another phase', { phase: 'registering' }, true],
  ['a refusal more', { grace: 3 }, true],
];

for (const [name, change, expected] of DIFFERENCES)
  test(`worth a write: ${name}: ${expected}`, () => {
    const before = { ...servingState, lastSeen: NOW };
    assert.equal(differs(entryOf({ ...before, ...change }), entryOf(before)), expected);
  });

test('a server that is seen for the first time is worth a write, and the order of fields is not', () => {
  assert.ok(differs(disk({ lastSeen: NOW }), disk({})));
  const { phase, ...rest } = disk({});
  assert.ok(!differs({ ...rest, phase }, disk({})));
  assert.ok(!differs(entryOf(unprovisioned), entryOf(unprovisioned)));
});
