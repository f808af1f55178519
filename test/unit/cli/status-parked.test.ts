import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Screen } from '../../../agent/cli/kit/screen.ts';
import { parkedAlarm } from '../../../agent/cli/status/advise.ts';
import { renderStatus } from '../../../agent/cli/status/screen.ts';
import { type Code, Fault, failure } from '../../../agent/failure/failure.ts';
import { NOT_ENROLLED, ofOnboarding } from '../../../agent/keys/onboarding.ts';
import { leaf, NOW, statusWith } from './stage.ts';

const ascii: Screen = { width: 80, isColoured: false, isUnicode: false };
const place = { directory: '/var/lib/newleaf' };

const { renewAt: _, ...next } = { ...leaf, slot: 'a' as const };

const WORDS: readonly (readonly [code: Code, has: { readonly leaf?: typeof next }, words: string])[] = [
  ['NL-DPS-401002', { leaf: next }, 'enroll this leaf: DPS refused it once'],
  ['NL-DPS-DISABLED', { leaf: next }, 'enable its enrollment: DPS refused it once'],
  ['NL-DPS-404201', { leaf: next }, 'kept: DPS refused it once'],
  ['NL-HUB-CLOSED', { leaf: next }, 'kept: it could not be proven once'],
  // A CSR for which DPS issues nothing is not what was refused.
  ['NL-DPS-401002', {}, 'DPS issued no leaf for its CSR once'],
  ['NL-AZURE-POLICY', {}, 'DPS issued no leaf for its CSR once'],
  ['NL-AZURE-REFUSED', {}, 'the issuer refused its CSR once'],
  ['NL-EST-REFUSED', {}, 'the issuer refused its CSR once'],
  ['NL-TOKEN-FAILED', {}, 'the token failed once'],
  ['NL-LEAF-CN', {}, "newleaf refused the issuer's leaf once"],
];

for (const [code, has, words] of WORDS) {
  test(`a candidate ${has.leaf ? 'with' : 'without'} a leaf, parked for ${code}: ${words}`, () => {
    for (const [refusals, times] of [
      [1, 'once'],
      [2, '2 times'],
    ] as const) {
      const parked = { slot: 'a', standing: 'parked', ...has, refusals, trouble: failure(code) } as const;
      const shown = renderStatus(statusWith({ next: parked }), ascii, place);
      assert.match(shown, new RegExp(`Candidate {4}${words.replace('once', times)}\n`));
    }
  });
}

test('where DPS refuses the onboarding certificate, that is to be enrolled, and not the leaf that Azure has issued', () => {
  const fault = ofOnboarding(new Fault('NL-DPS-401002'), { thumbprint: 'AB', notAfter: NOW + 1 }, NOW);
  assert.ok(fault instanceof Fault);
  const parked = { slot: 'a', standing: 'parked', leaf: next, refusals: 1, trouble: fault.failure } as const;
  const shown = renderStatus(statusWith({ next: parked }), ascii, place);
  assert.match(shown, /Candidate {4}enroll the onboarding certificate: DPS refused it once\n/);
  assert.equal(parkedAlarm(parked, '/var/lib/newleaf', 0)?.advice, NOT_ENROLLED);
});

test('a leaf that waits below a root that DPS has not verified: the advice names the root', () => {
  const trouble = { ...failure('NL-DPS-401002'), cause: '401002, CA certificate not found.' };
  const candidate = { slot: 'a', standing: 'parked', leaf, trouble } as const;
  const alarm = parkedAlarm(candidate, '/var/lib/newleaf', 0);
  assert.match(alarm?.advice ?? '', /or its issuer in DPS, or verify the root above it, then `newleaf reprovision`/);
});

test('what hurries an issuer that refuses is not a roll, where a person brings the leaves', () => {
  const alarm = parkedAlarm({ slot: 'a', standing: 'parked', trouble: failure('NL-LEAF-CN') }, '/var/lib/newleaf', 0);
  assert.match(alarm?.advice ?? '', /After that: `newleaf roll --wait`; after a change/);
  assert.match(
    alarm?.byPerson ?? '',
    /After that: `newleaf csr`, have it signed, then `newleaf install FILE`; after a change/,
  );
});
