import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { failureOf } from '../../../agent/failure/failure-of.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import { prepareEngine, tokenErrorOf } from '../../../hsm/engine.ts';
import { withEnvironment } from '../../put-back.ts';

/** What the product sets. */
const NONE = { OPENSSL_ENGINES: undefined, PKCS11_MODULE_PATH: undefined };

const [empty, full, other] = [0, 1, 2].map(() => mkdtempSync(join(tmpdir(), 'newleaf-engines-'))) as [
  string,
  string,
  string,
];
for (const directory of [full, other]) writeFileSync(join(directory, 'pkcs11.so'), '');
after(() => {
  for (const directory of [empty, full, other]) rmSync(directory, { recursive: true });
});

test('the first directory that has the engine is taken, and the module is named to it', (t) => {
  withEnvironment(NONE, t);
  prepareEngine('/m.so', [empty, full, other]);
  assert.deepEqual([process.env.OPENSSL_ENGINES, process.env.PKCS11_MODULE_PATH], [full, '/m.so']);
});

test('a directory that was set before is kept if it has the engine', (t) => {
  withEnvironment({ ...NONE, OPENSSL_ENGINES: other }, t);
  prepareEngine('/m.so', [full]);
  assert.equal(process.env.OPENSSL_ENGINES, other);
  withEnvironment({ OPENSSL_ENGINES: empty }, t);
  prepareEngine('/m.so', [full]);
  assert.equal(process.env.OPENSSL_ENGINES, full);
});

test('without the engine the Debian package is named, and nothing is set', (t) => {
  withEnvironment(NONE, t);
  assert.throws(
    () => prepareEngine('/m.so', [empty, '/no']),
    (error) => {
      const { code, message, advice } = failureOf(error);
      const what = `OpenSSL's PKCS#11 engine is not installed: there is no pkcs11.so in ${empty}, /no.`;
      assert.deepEqual([code, message], ['NL-TOKEN-ENGINE', what]);
      assert.match(advice, /`apt-get install libengine-pkcs11-openssl`.* `apt-get install stunnel4 pkcs11-provider`/);
      return true;
    },
  );
  assert.equal(process.env.PKCS11_MODULE_PATH, undefined);
});

const openssl: readonly (readonly [object, string, string])[] = [
  [{ library: 'PKCS#11 module', reason: 'PIN incorrect', code: 'ERR_OSSL_PIN_INCORRECT' }, 'pin', 'CKR_PIN_INCORRECT'],
  [{ library: 'PKCS#11 module', reason: 'PIN locked' }, 'pin-locked', 'CKR_PIN_LOCKED'],
  [{ library: 'PKCS#11 module', reason: 'PIN expired' }, 'poisoned', 'CKR_PIN_EXPIRED'],
  [{ library: 'PKCS#11 module', reason: 'Object handle invalid' }, 'key', 'CKR_OBJECT_HANDLE_INVALID'],
  [{ library: 'PKCS#11 module', reason: 'Session handle invalid' }, 'poisoned', 'CKR_SESSION_HANDLE_INVALID'],
  [{ library: 'PKCS#11 module', reason: 'General Error' }, 'poisoned', 'CKR_GENERAL_ERROR'],
  [{ library: 'PKCS#11 module', reason: 'Cryptoki not initialized' }, 'poisoned', 'CKR_CRYPTOKI_NOT_INITIALIZED'],
  [{ library: 'PKCS#11 module', reason: 'Function failed' }, 'failed', 'CKR_FUNCTION_FAILED'],
  [{ code: 'ERR_OSSL_OBJECT_NOT_FOUND' }, 'key', 'ERR_OSSL_OBJECT_NOT_FOUND'],
  [{ code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' }, 'key', 'ERR_OSSL_X509_KEY_VALUES_MISMATCH'],
  [{ code: 'ERR_OSSL_UI_PROCESSING_ERROR' }, 'pin', 'ERR_OSSL_UI_PROCESSING_ERROR'],
  [{ code: 'ERR_OSSL_UNABLE_TO_LOAD_PKCS#11_MODULE' }, 'module', 'ERR_OSSL_UNABLE_TO_LOAD_PKCS#11_MODULE'],
  [
    { code: 'EPROTO', message: 'SSL routines::ssl/tls alert decrypt error:SSL alert number 51' },
    'failed',
    'SIGNATURE_WRONG',
  ],
  [
    { code: 'ERR_OSSL_UI_PROCESSING_ERROR', message: 'error:1400006B:UI routines::processing error' },
    'pin',
    'ERR_OSSL_UI_PROCESSING_ERROR',
  ],
  [{ message: '40:error:1400006B:UI routines:UI_process:processing error' }, 'failed', 'PIN_ASKED_AGAIN'],
  [{ code: 'ERR_OSSL_INVALID_ID' }, 'failed', 'ERR_OSSL_INVALID_ID'],
];

for (const [details, kind, code] of openssl) {
  test(`${code} of OpenSSL is ${kind}`, () => {
    const found = tokenErrorOf(Object.assign(new Error('openssl'), details));
    assert.deepEqual([found?.kind, found?.code], [kind, code]);
  });
}

test('an engine that cannot be loaded has no code, only words', () => {
  const error = new Error('error:12800067:DSO support routines::could not load the shared library');
  assert.equal(tokenErrorOf(error)?.kind, 'engine');
});

test('a TokenError passes, and what the network or the other side did is none', () => {
  const mine = new TokenError('key', 'KEY_NOT_FOUND', 'gone');
  assert.equal(tokenErrorOf(mine), mine);
  for (const error of [
    Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('alert'), { code: 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', library: 'SSL routines' }),
    Object.assign(new Error('untrusted'), { code: 'SELF_SIGNED_CERT_IN_CHAIN' }),
    'a string',
    undefined,
  ]) {
    assert.equal(tokenErrorOf(error), undefined);
  }
});
