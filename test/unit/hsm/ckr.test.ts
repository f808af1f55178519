import assert from 'node:assert/strict';
import { test } from 'node:test';
import pkcs11js from 'pkcs11js';
import { ckrName, ckrOf, TokenError, tokenError } from '../../../hsm/ckr.ts';

test('return values have their names, and vendor codes keep their number', () => {
  assert.equal(ckrName(pkcs11js.CKR_PIN_INCORRECT), 'CKR_PIN_INCORRECT');
  assert.equal(ckrName(0x80000101), 'CKR_0x80000101');
  // pkcs11js 2.1.7 does not know these two.
  assert.equal(ckrName(0x1b), 'CKR_ACTION_PROHIBITED');
  assert.equal(ckrName(0x140), 'CKR_CURVE_NOT_SUPPORTED');
});

const thrown: readonly (readonly [string, unknown, number | undefined])[] = [
  ['the error of most calls', new pkcs11js.Pkcs11Error('CKR_PIN_LOCKED:164', 164), 164],
  ['the bare error of C_FindObjects', new Error('CKR_SESSION_HANDLE_INVALID:179'), 179],
  ['a TypeError about an argument', new TypeError('Argument 1 has wrong type'), undefined],
  ['an error of node', Object.assign(new Error('no such file'), { code: 'ENOENT' }), undefined],
  ['no error at all', 'CKR_PIN_LOCKED:164', undefined],
];

for (const [what, error, code] of thrown) test(`${what} gives ${code}`, () => assert.equal(ckrOf(error), code));

const meanings: readonly (readonly [keyof typeof pkcs11js & `CKR_${string}`, string, string])[] = [
  ['CKR_PIN_INCORRECT', 'pin', 'pin'],
  ['CKR_PIN_LEN_RANGE', 'pin', 'pin'],
  // It took our PIN when it was opened: this is not about the PIN.
  ['CKR_PIN_EXPIRED', 'failed', 'poisoned'],
  ['CKR_USER_PIN_NOT_INITIALIZED', 'failed', 'poisoned'],
  ['CKR_PIN_LOCKED', 'pin-locked', 'pin-locked'],
  ['CKR_TOKEN_NOT_PRESENT', 'missing', 'poisoned'],
  ['CKR_TOKEN_NOT_RECOGNIZED', 'missing', 'poisoned'],
  ['CKR_DEVICE_REMOVED', 'missing', 'poisoned'],
  ['CKR_DEVICE_ERROR', 'missing', 'poisoned'],
  ['CKR_GENERAL_ERROR', 'failed', 'poisoned'],
  ['CKR_CRYPTOKI_NOT_INITIALIZED', 'failed', 'poisoned'],
  ['CKR_SESSION_HANDLE_INVALID', 'failed', 'poisoned'],
  ['CKR_SESSION_CLOSED', 'failed', 'poisoned'],
  ['CKR_USER_NOT_LOGGED_IN', 'failed', 'poisoned'],
  ['CKR_OPERATION_ACTIVE', 'failed', 'poisoned'],
  // A restart does not make room: it would only take the gateway off the air again and again.
  ['CKR_DEVICE_MEMORY', 'failed', 'failed'],
  ['CKR_MECHANISM_INVALID', 'failed', 'failed'],
  ['CKR_FUNCTION_REJECTED', 'failed', 'failed'],
];

for (const [name, opening, open] of meanings) {
  test(`${name} is ${opening} at the start and ${open} later`, () => {
    const number = Number(pkcs11js[name]);
    const error = new pkcs11js.Pkcs11Error(`${name}:${number}`, number);
    const first = tokenError(error, 'opening', 'Opening');
    const later = tokenError(error, 'open', 'Signing');
    assert.deepEqual([first.kind, first.code, later.kind, later.code], [opening, name, open, name]);
    assert.ok(later.message.startsWith('Signing: ') && later.message.includes(name), later.message);
    assert.equal(later.cause, error);
  });
}

test('a TokenError passes unchanged, and anything else becomes one', () => {
  const mine = new TokenError('key', 'KEY_NOT_FOUND', 'gone');
  assert.equal(tokenError(mine, 'open', 'Signing'), mine);
  const other = tokenError(new TypeError('wrong'), 'open', 'Signing');
  assert.deepEqual([other.name, other.kind, other.message], ['TokenError', 'failed', 'Signing: wrong']);
});
