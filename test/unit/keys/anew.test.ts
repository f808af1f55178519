import assert from 'node:assert/strict';
import { test } from 'node:test';
import { opensAnew } from '../../../agent/keys/anew.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import type { PublicKey } from '../../../hsm/public-key.ts';
import { leafOf } from '../roll/machine.ts';

const leaf = leafOf('600dcafe', 'a');
const found: PublicKey = { label: 'newleaf-a', id: leaf.key.id, spki: Buffer.alloc(0), keyType: 'ec-p256' };
const refused = new TokenError('missing', 'TOKEN_NOT_FOUND', 'No token matches.');

/** What this process sees of the key, what the new one meets, and the answer. */
async function asked(seen: PublicKey | TokenError | undefined, met?: TokenError) {
  const tried: string[] = [];
  const token = {
    async findById() {
      if (seen instanceof Error) throw seen;
      return seen;
    },
  };
  const answer = await opensAnew(token, async ({ id }) => {
    tried.push(id);
    if (met !== undefined) throw met;
  })(leaf);
  return [answer?.code, tried.length] as const;
}

test('a new process that signs can go on', async () => {
  assert.deepEqual(await asked(found), [undefined, 1]);
});

test('one that does not says why', async () => {
  assert.deepEqual(await asked(found, refused), ['NL-TOKEN-MISSING', 1]);
});

test('a token that shows nothing any more in this process may show it to a new one, or not', async () => {
  const vanished = new TokenError('poisoned', 'KEY_VANISHED', 'No longer shown.');
  assert.deepEqual(await asked(vanished), [undefined, 1]);
  assert.deepEqual(await asked(vanished, refused), ['NL-TOKEN-MISSING', 1]);
});

test('a key that was lost before this process began keeps it from nothing', async () => {
  assert.deepEqual(await asked(undefined, refused), [undefined, 0]);
});
