import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import { endOf, ofOnboarding, onboardingErrorOf } from '../../../agent/keys/onboarding.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import { DAY, NOW } from '../certificate/mint.ts';

const leaf = (days: number, lifeDays = 3650) => ({
  thumbprint: 'AB',
  notBefore: NOW + (days - lifeDays) * DAY,
  notAfter: NOW + days * DAY,
});

for (const [days, lifeDays, expected] of [
  [91, 3650, undefined],
  [89, 3650, 'NL-ONBOARDING-EXPIRING'],
  [29, 90, 'NL-ONBOARDING-EXPIRING'],
  [31, 90, undefined],
  [0, 90, 'NL-ONBOARDING-EXPIRED'],
] as const) {
  test(`${days} of ${lifeDays} days are left: ${expected ?? 'nothing is told'}`, () => {
    assert.equal(endOf(leaf(days, lifeDays), NOW)?.code, expected);
  });
}

for (const [code, days, expected] of [
  ['NL-DPS-401002', 30, 'NL-DPS-401002'],
  ['NL-DPS-401002', -1, 'NL-ONBOARDING-EXPIRED'],
  ['NL-DPS-UNREACHABLE', 30, 'NL-DPS-UNREACHABLE'],
  ['NL-DPS-UNREACHABLE', -1, 'NL-ONBOARDING-EXPIRED'],
  ['NL-DPS-THROTTLED', -1, 'NL-DPS-THROTTLED'],
] as const) {
  test(`${code}, and the certificate ends in ${days} days: ${expected}`, () => {
    const met = ofOnboarding(new Fault(code), leaf(days), NOW);
    assert(met instanceof Fault);
    assert.equal(met.failure.code, expected);
  });
}

test('a refusal names the certificate that DPS has seen', () => {
  const met = ofOnboarding(new Fault('NL-DPS-401002'), leaf(30), NOW);
  assert(met instanceof Fault);
  assert.match(met.failure.message, /onboarding certificate \(AB\)/);
});

test('its lost key is no lost key of a leaf', () => {
  const codes = ['KEY_NOT_FOUND', 'ERR_OSSL_X509_KEY_VALUES_MISMATCH'].map((code) => {
    const met = onboardingErrorOf(new TokenError('key', code, code));
    return met instanceof Fault ? met.failure.code : met;
  });
  assert.deepEqual(codes, ['NL-ONBOARDING-KEY', 'NL-ONBOARDING-LEAF']);
  const other = new TokenError('poisoned', 'CKR_DEVICE_REMOVED', 'gone');
  assert.equal(onboardingErrorOf(other), other);
  const ofServer = new Error('the connection is cut');
  assert.equal(onboardingErrorOf(ofServer), ofServer);
});
