import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createKeys } from '../../../agent/keys.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import type { Protection } from '../../../hsm/key-pair.ts';
import type { KeyType, PublicKey } from '../../../hsm/public-key.ts';
import type { Token } from '../../../hsm/token.ts';
import { scratch } from './disk.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
const left: PublicKey = { label: 'newleaf-b', id: '0badcafe', spki, keyType: 'ec-p256' };
const made: PublicKey = { ...left, id: '600dcafe' };
const whole: Protection = {
  sensitive: true,
  alwaysSensitive: true,
  extractable: false,
  neverExtractable: true,
  local: true,
};

interface Left {
  readonly key?: PublicKey;
  readonly protection?: Protection;
  readonly sign?: (message: Uint8Array) => Buffer;
  readonly certificates?: readonly Buffer[];
  readonly csr?: string;
}

const broken = () => {
  throw new TokenError('poisoned', 'CKR_GENERAL_ERROR', 'The module or its daemon does not work.');
};
const signsWith =
  (key: typeof pair) =>
  (message: Uint8Array): Buffer =>
    sign('sha256', message, key.privateKey);

/** What generating in slot b gives, and what it did, with this in the token. */
async function generating(directory: string, found: Left): Promise<{ id: string; did: readonly string[] }> {
  const did: string[] = [];
  if (found.csr !== undefined) writeFileSync(join(directory, `gw-0001.${left.id}.pem`), found.csr);
  const token = {
    find: async () => found.key,
    describe: async () => found.protection ?? whole,
    sign: async (_: PublicKey, message: Uint8Array) => (found.sign ?? signsWith(pair))(message),
    generations: async () => [],
    certificates: async () => found.certificates ?? [],
    forget: (id: string) => did.push(`forget ${id}`),
    generate: async (label: string, keyType: KeyType) => {
      did.push(`generate ${label} ${keyType}`);
      return made;
    },
  } as unknown as Token;
  const keys = createKeys({
    token,
    prefix: 'newleaf',
    keyType: 'ec-p256',
    registrationId: 'gw-0001',
    directory,
    current: () => undefined,
    keeps: false,
    wrote: () => void did.push('wrote'),
    warn: (message) => void did.push(message),
    destroy: async (label, id) => void did.push(`destroy ${label} ${id}`),
  });
  const { id } = await keys.generate('b');
  return { id, did };
}

const replaced = ['destroy newleaf-b 0badcafe', 'forget 0badcafe', 'generate newleaf-b ec-p256', 'wrote'];

const rows: readonly (readonly [title: string, found: Left, id: string, did: readonly string[]])[] = [
  ['nothing is there', {}, made.id, ['generate newleaf-b ec-p256', 'wrote']],
  ['a whole key is used again', { key: left }, left.id, []],
  ['a key that cannot sign was cut off while it was made', { key: left, sign: broken }, made.id, replaced],
  ['a key that signs for another public half', { key: left, sign: signsWith(stranger) }, made.id, replaced],
];

for (const [title, found, id, did] of rows) {
  test(title, async (t) => {
    assert.deepEqual(await generating(scratch(t), found), { id, did });
  });
}

test('what the token says against the key that it has made is told', async (t) => {
  const { did } = await generating(scratch(t), { protection: { ...whole, local: false } });
  assert.match(did.at(-1) ?? '', /new key "newleaf-b" that it was not made in the token/);
});

const certificates = [Buffer.from('any')];
const fails = (code: string) => () => {
  throw new TokenError('poisoned', code, `The token failed (${code}).`);
};

const refusals: readonly (readonly [title: string, found: Left, words: RegExp])[] = [
  ['a key with a leaf was whole once: the token is at fault', { key: left, sign: broken, certificates }, /daemon/],
  ['a key whose token has a fault', { key: left, sign: fails('CKR_DEVICE_ERROR') }, /CKR_DEVICE_ERROR/],
  ['a key whose token has lost the login', { key: left, sign: fails('CKR_USER_NOT_LOGGED_IN') }, /NOT_LOGGED_IN/],
  ['a key with a CSR was whole once, too', { key: left, sign: broken, csr: 'any' }, /daemon/],
  ['a key of another type', { key: { ...left, keyType: 'rsa-2048' } }, /of type rsa-2048/],
  ['a key that can be read', { key: left, protection: { ...whole, extractable: true } }, /never readable/],
];

for (const [title, found, words] of refusals) {
  test(`${title}, and nothing is destroyed`, async (t) => {
    await assert.rejects(generating(scratch(t), found), words);
  });
}
