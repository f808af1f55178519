import assert from 'node:assert/strict';
import { test } from 'node:test';
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
