import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opensAnew } from '../../../agent/keys/anew.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import type { PublicKey } from '../../../hsm/public-key.ts';
import { leafOf } from '../roll/machine.ts';

const leaf = leafOf('600dcafe', 'a');
const key: PublicKey = { label: 'newleaf-a', id: leaf.key.id, spki: Buffer.alloc(0), keyType: 'ec-p256' };
const gone = new TokenError('poisoned', 'CKR_SESSION_HANDLE_INVALID', 'The session is gone.');
const absent = new TokenError('missing', 'TOKEN_NOT_FOUND', 'No token matches.');
const lost = new TokenError('key', 'KEY_NOT_FOUND', 'There is no such key.');

/** What a new process meets; what this one finds, and answers when it is to sign. */
type Met = TokenError | undefined;
type Row = readonly [what: string, code: string | undefined, met: Met, found?: PublicKey, fails?: TokenError];
const rows: readonly Row[] = [
  ['one that makes a handshake can go on', undefined, undefined, key],
  ['one that does not open the token says why', 'NL-TOKEN-MISSING', absent, key],
  ['one that finds no key, where this one signs with it', 'NL-TOKEN-FAILED', lost, key],
  ['nor does this one find it', 'NL-TOKEN-KEY', lost],
  ['nor does this one sign with it', 'NL-TOKEN-KEY', lost, key, gone],
];

for (const [what, code, met, found, fails] of rows) {
  test(`a new process: ${what}`, async () => {
    const token = {
      findById: async () => found,
      async sign() {
        if (fails !== undefined) throw fails;
        return Buffer.of(1);
      },
    };
    const answer = await opensAnew(token, async () => {
      if (met !== undefined) throw met;
    })(leaf);
    assert.equal(answer?.code, code);
    assert.equal(answer?.message, met?.message);
  });
}
