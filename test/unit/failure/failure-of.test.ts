import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceHere } from '../../../agent/cli/checks/check.ts';
import { failureOf } from '../../../agent/failure/failure-of.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import { findHelper } from '../../../hsm/stunnel.ts';

for (const [code, advice] of [
  ['KEY_AMBIGUOUS', /CKA_ID/],
  ['KEY_ALWAYS_AUTHENTICATES', /hsm\.key/],
] as const) {
  test(`${code} of hsm.key is no key that is lost: no roll would help`, () => {
    const failure = failureOf(new TokenError('key', code, 'What it is.'));
    assert.equal(failure.code, 'NL-TOKEN-KEY');
    assert.match(failure.advice, advice);
    assert.doesNotMatch(failure.advice, /newleaf roll/);
  });
}

test('a next step that names the very path is kept', () => {
  const error = new TokenError('missing', 'TOKEN_NOT_FOUND', 'No token.', undefined, 'chown -R newleaf: /var/lib/x');
  assert.equal(failureOf(error).advice, 'chown -R newleaf: /var/lib/x');
});

test('where stunnel is wanted and missing, the engine is not what is to be installed', () => {
  assert.throws(
    () => findHelper([], []),
    (error) => {
      const { code, advice } = failureOf(error);
      assert.equal(code, 'NL-TOKEN-ENGINE');
      assert.match(advice, /apt-get install stunnel4 pkcs11-provider/);
      assert.doesNotMatch(advice, /engine/);
      return true;
    },
  );
});

test('a failure without an answer of the module: no advice to look up its CKR code', () => {
  const told = (code: string, message: string) => failureOf(new TokenError('failed', code, message));
  const signing = told('HELPER_SIGN', 'stunnel could not sign with the key in the token: internal error');
  assert.equal(signing.code, 'NL-TOKEN-FAILED');
  assert.match(signing.advice, /`newleaf check leaf-key`.*`newleaf support-bundle`/);
  for (const advice of [signing.advice, adviceHere(signing.code, signing.advice).advice])
    assert.doesNotMatch(advice, /CKR/);
  const spoken = told('CKR_DEVICE_MEMORY', 'Generating: the token is full (CKR_DEVICE_MEMORY)');
  assert.match(spoken.advice, /CKR code is in the message/);
  assert.match(told('HELPER_KEY', 'stunnel cannot use it (CKR_GENERAL_ERROR)').advice, /CKR code is in the message/);
});
