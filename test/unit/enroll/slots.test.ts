import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  demandOneKind,
  lost,
  promoted,
  rolled,
  type Slot,
  type Slots,
  without,
  withSecondary,
} from '../../../scripts/enrollment/slots.ts';

const certificate = (thumbprint: string): Slot => ({
  kind: 'certificate',
  thumbprint,
  subject: 'CN=gw',
  issuer: 'CN=ca',
  notAfter: '2030-01-01T00:00:00Z',
});
const ca = (name: string): Slot => ({ kind: 'ca', name });
const [A, B, C] = [certificate('AA'), certificate('BB'), certificate('CC')];

const primary = (slot: Slot): Slots => ({ primary: slot });
const secondary = (slot: Slot): Slots => ({ secondary: slot });
const both: Slots = { primary: A, secondary: B };

type Row = readonly [what: string, act: () => Slots, expected: Slots | RegExp];
const rows: readonly Row[] = [
  ['set-secondary beside a primary', () => withSecondary(primary(A), B), both],
  ['set-secondary over another one', () => withSecondary(both, C), { primary: A, secondary: C }],
  ['set-secondary where there is no primary', () => withSecondary({}, B), secondary(B)],
  ['set-secondary with the primary', () => withSecondary(primary(A), A), /holds this one already/],
  ['set-secondary with the secondary that is there changes nothing', () => withSecondary(both, B), both],
  ['promote', () => promoted(both), primary(B)],
  ['promote where only a secondary is', () => promoted(secondary(B)), primary(B)],
  ['promote without a secondary', () => promoted(primary(A)), /no secondary to promote/],
  ['remove the primary: the secondary stays in its place', () => without(both, 'primary'), secondary(B)],
  ['replace the primary', () => without(both, 'primary', C), { primary: C, secondary: B }],
  ['replace the only one', () => without(primary(A), 'primary', C), primary(C)],
  ['remove the only one', () => without(primary(A), 'primary'), /needs a certificate/],
  ['remove a primary that is not there', () => without(secondary(B), 'primary'), /no primary to remove/],
  ['remove the secondary', () => without(both, 'secondary'), primary(A)],
  ['replace the secondary', () => without(both, 'secondary', C), { primary: A, secondary: C }],
  ['remove a secondary that is not there', () => without(primary(A), 'secondary'), /no secondary to remove/],
  ['remove both', () => without(both, 'both'), /needs a certificate/],
  ['replace both', () => without(both, 'both', C), primary(C)],
  ['replace both where there is one', () => without(primary(A), 'both', C), primary(C)],
  ['replace both by one of them', () => without(both, 'both', B), /holds this one already/],
  ['roll beside the old one', () => rolled(primary(A), B, false), both],
  ['roll over a secondary', () => rolled(both, C, false), { primary: A, secondary: C }],
  ['roll where only a secondary is', () => rolled(secondary(B), A, false), both],
  ['roll at once', () => rolled(both, C, true), primary(C)],
  ['roll to what is there', () => rolled(both, B, true), /holds this one already/],
  ['roll by name', () => rolled(primary(ca('one')), ca('two'), false), { primary: ca('one'), secondary: ca('two') }],
];
for (const [what, act, expected] of rows) {
  test(what, () => (expected instanceof RegExp ? assert.throws(act, expected) : assert.deepEqual(act(), expected)));
}

describe('what is not admitted any more', () => {
  const changes: readonly (readonly [what: string, before: Slots, after: Slots, gone: readonly Slot[]])[] = [
    ['nothing changes', both, both, []],
    ['a second one comes', primary(A), both, []],
    ['they change places', both, { primary: B, secondary: A }, []],
    ['one goes', both, primary(B), [A]],
    ['both go', both, primary(C), [A, B]],
    ['a name is no certificate', primary(A), primary(ca('AA')), [A]],
  ];
  for (const [what, before, after, gone] of changes) test(what, () => assert.deepEqual(lost(before, after), gone));
});

test('certificates and names do not stand side by side', () => {
  assert.throws(() => demandOneKind({ primary: A, secondary: ca('one') }), /not one of each/);
  assert.doesNotThrow(() => demandOneKind(both));
  assert.doesNotThrow(() => demandOneKind(secondary(ca('one'))));
});
