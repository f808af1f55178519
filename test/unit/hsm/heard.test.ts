import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenError } from '../../../hsm/ckr.ts';
import { Heard } from '../../../hsm/heard.ts';

const LOADING = [
  'Loading private key from file: /proc/self/fd/7',
  'error queue: error:1E08010C:DECODER routines::unsupported',
];

/** What pkcs11-provider 1.0 wrote where a token was away, and how that is told. */
const cases: readonly (readonly [what: string, spoken: string, kind: string, code: string, words: RegExp])[] = [
  [
    'the server of opencryptoki is away',
    '[../src/interface.gen.c:20] p11prov_Initialize(): Error 6 returned by C_Initialize',
    'failed',
    'HELPER_KEY',
    /the module does not start in it \(CKR_FUNCTION_FAILED\)$/,
  ],
  [
    'the database of NSS is away',
    '[../src/store.c:128] store_fetch(): Failed to get session to load keys (slotid=ffffffffffffffff, ret=1)',
    'failed',
    'HELPER_KEY',
    /it does not see the token$/,
  ],
  ['the token has no such key', '[../src/store.c:1] store_fetch()', 'failed', 'HELPER_KEY', /: unsupported$/],
  [
    'the PIN is wrong',
    'Error 160 returned by C_Login\nFailed to get session to load keys (slotid=1, ret=1)',
    'pin',
    'CKR_PIN_INCORRECT',
    /refuses the login/,
  ],
  ['the provider is not there', '', 'engine', 'HELPER_FAILED', /without pkcs11-provider/],
];

for (const [what, spoken, kind, code, words] of cases) {
  test(`stunnel ends at its start: ${what}`, () => {
    const heard = new Heard();
    for (const line of LOADING) heard.hear(`2026.11.27 05:14:18 LOG3[ui]: ${line}`);
    const error = heard.failure(false, 'exit code 1', spoken);
    assert.ok(error instanceof TokenError);
    assert.deepEqual([error.kind, error.code], [kind, code]);
    assert.match(error.message, words);
  });
}
