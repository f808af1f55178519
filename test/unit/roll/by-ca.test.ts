import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../../agent/failure/failure.ts';
import type { Signal } from '../../../agent/roll/signal.ts';
import { type RollEffect, unprovisioned } from '../../../agent/roll/state.ts';
import type { Terms } from '../../../agent/roll/terms.ts';
import { Played } from './ends.ts';
import { HOUR, hub, NOW, terms } from './machine.ts';
import type { Pair } from './pair.ts';
import { candidate, current, last, notEnrolled, probe, rejected, request, table, waits } from './standing.ts';
import { firstLeaf, type Luck } from './world.ts';

const ca: Partial<Terms> = { trust: 'ca' };
const candidateRejected: Signal = { kind: 'candidate-rejected' };
const waiting = { is: 'key-made', key: { slot: 'b', id: 'g1' }, for: 'roll', tries: 0 } as const;
const { thumbprint } = current;
const cured = { ...request('roll', 'newleaf'), reason: 'rejected', outcome: 'done', endedAt: NOW - HOUR / 2 } as const;

table('the hub trusts a CA, and refuses the current leaf', [
  ['DPS says which hub first', rejected, { terms: ca }, 'rejected: re-register'],
  ['the hub can lag', rejected, { terms: ca, grace: 0 }, 'grace: ignore'],
  ['DPS has named it: one roll', rejected, { terms: ca, grace: last }, 'rejected: roll'],
  ['also the second time', rejected, { terms: ca, grace: last, unproven: 1 }, 'rejected: roll'],
  ['once', rejected, { terms: ca, grace: last, rolledFor: thumbprint }, 'rejected: re-register'],
  [
    'not where two have come within an hour',
    rejected,
    { terms: ca, grace: last, outcomes: [cured, cured] },
    'rejected: re-register',
  ],
  [
    'then a person',
    rejected,
    { terms: ca, grace: last, unproven: 1, rolledFor: thumbprint },
    'assigned-but-refused: strand',
  ],
  [
    'a leaf that waits is tried',
    rejected,
    { terms: ca, grace: last, unproven: 1, rolledFor: thumbprint, next: waits },
    'rejected: roll',
  ],
  [
    'the roll goes on',
    rejected,
    { terms: ca, grace: last, phase: 'requesting-leaf', request: request('roll', 'newleaf'), next: waiting },
    'assigned-but-refused: ignore',
  ],
  [
    'another leaf is with DPS',
    rejected,
    {
      terms: ca,
      grace: last,
      unproven: 1,
      rolledFor: thumbprint,
      phase: 'registering-next',
      next: { is: 'sent', leaf: candidate, from: 'issuer', tries: 0 },
    },
    'assigned-but-refused: ignore',
  ],
  ['stranded: another leaf', probe, { terms: ca, phase: 'stranded', stranded: true, rejected: true }, 'probe: roll'],
  [
    'stranded: a leaf that waits',
    probe,
    { terms: ca, phase: 'stranded', stranded: true, rejected: true, next: waits },
    'probe: roll',
  ],
  [
    'where DPS pins the leaf, it is asked',
    probe,
    { phase: 'stranded', stranded: true, rejected: true },
    'probe: re-register',
  ],
]);

table('the hub trusts a CA, and refuses the next leaf', [
  ['it can lag', candidateRejected, { terms: ca, grace: 0 }, 'candidate-rejected: ignore'],
  ['for good', candidateRejected, { terms: ca, grace: last }, 'candidate-rejected: drop'],
]);

table('the hub trusts a CA, and DPS refuses the onboarding identity', [
  ['no roll cures that', notEnrolled, { terms: ca, phase: 'registering', rejected: true }, 'dps-refused: strand'],
]);

const leaf = firstLeaf('a');
const pair = (isNew: boolean): Pair => ({
  at: NOW,
  keepKey: false,
  automatic: true,
  trust: 'ca',
  state: isNew
    ? unprovisioned
    : { ...unprovisioned, phase: 'serving', current: leaf, assignment: hub, registered: terms.registered },
  world: { token: isNew ? {} : { a: 'g0' }, enrolled: 'all', enabled: true, revoked: [] },
});

test('a leaf is revoked while its next key waits for the issuer: the issuer is asked when it is time, and not DPS an hour later', () => {
  const { state, ...well } = pair(false);
  const rest = { failure: failure('NL-EST-REFUSED'), askAt: NOW + 5 * 60_000 };
  const next = { ...waiting, tries: 1, rest };
  const revoked = {
    ...well,
    world: { ...well.world, revoked: [leaf.thumbprint] },
    state: { ...state, next, rolledFor: leaf.thumbprint },
  };
  const played = new Played(revoked);
  while (played.pair.state.current?.thumbprint === leaf.thumbprint && played.spentMs < 2 * HOUR) played.turn();
  assert.ok(played.spentMs <= 20 * 60_000, `${played.spentMs / 60_000} min`);
});

const STAYS: readonly (readonly [string, (effect: RollEffect) => Luck])[] = [
  ['the hub refuses every leaf', ({ kind }) => (kind === 'connect' ? 'refused' : 'true')],
  ['no hub answers', ({ kind }) => (kind === 'connect' ? 'outage' : 'true')],
];

for (const [what, luck] of STAYS) {
  for (const isNew of [true, false]) {
    test(`${what} for two days, ${isNew ? 'at the first provisioning' : 'while it serves'}: at most three leaves an hour`, () => {
      const played = new Played(pair(isNew), luck);
      const moments: number[] = [];
      while (played.spentMs < 48 * HOUR) if (played.turn() === 'leaf-issued') moments.push(played.spentMs);
      const most = Math.max(...moments.map((from) => moments.filter((at) => at >= from && at < from + HOUR).length), 0);
      assert.ok(most <= 3, `${most} within an hour: ${moments.map((ms) => Math.round(ms / 60_000)).join(' ')} min`);
      assert.ok(moments.length <= 60, `${moments.length} leaves in two days`);
    });
  }
}
