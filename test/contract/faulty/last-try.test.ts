import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import pkcs11js from 'pkcs11js';
import { openToken } from '../../../hsm/token.ts';
import { withEnvironment } from '../../put-back.ts';
import { softHsm } from '../token/softhsm.ts';
import { faulty } from './faulty.ts';

const at = faulty(softHsm());
withEnvironment(at.environment);
afterEach(() => at.heal());
after(() => at.remove());

const { CKF_USER_PIN_COUNT_LOW: LOW, CKF_USER_PIN_FINAL_TRY: LAST, CKF_USER_PIN_LOCKED: LOCKED } = pkcs11js;

/** What the token says of its tries, whether a refusal can be noted, and the code of what comes of it. */
const ROWS: readonly (readonly [string, number, boolean, string | undefined])[] = [
  ['nobody has tried a wrong PIN', 0, true, undefined],
  ['the same, and the disk is full', 0, false, undefined],
  ['a wrong PIN was tried', LOW, true, undefined],
  ['the same, and the disk is full', LOW, false, 'PIN_UNNOTED'],
  ['one try is left', LOW | LAST, true, 'PIN_LAST_TRY'],
  ['none is left', LOW | LAST | LOCKED, true, 'CKR_PIN_LOCKED'],
];

for (const [what, flags, hasRoom, code] of ROWS) {
  test(`${what}: ${code ?? 'the PIN is tried'}`, async () => {
    const state = mkdtempSync(`${at.directory}/state-`);
    const notes = hasRoom ? state : join(state, 'none');
    at.flag(flags);
    const opening = openToken({ module: at.module, token: at.token, uri: undefined, pin: at.pin, notes });
    if (code === undefined) await opening;
    else await assert.rejects(opening, { name: 'TokenError', code });
    assert.equal(at.calls('C_Login'), code === undefined ? 1 : 0);
    assert.deepEqual(readdirSync(state), []);
  });
}
