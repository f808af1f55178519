import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { failureOf } from '../../../agent/failure/failure-of.ts';
import { onboardingKey } from '../../../agent/keys/onboarding-key.ts';
import type { KeyRef } from '../../../agent/roll/leaf.ts';
import { TokenError } from '../../../hsm/ckr.ts';
import type { Protection } from '../../../hsm/key-pair.ts';
import type { KeyType, PublicKey } from '../../../hsm/public-key.ts';
import type { Token } from '../../../hsm/token.ts';
import { scratch } from '../state/disk.ts';
import { keysOf } from './keys-of.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
const left: PublicKey = { label: 'newleaf-b', id: '0badcafe', spki, keyType: 'ec-p256' };
const whole: Protection = {
  sensitive: true,
  alwaysSensitive: true,
  extractable: false,
  neverExtractable: true,
  local: true,
};

interface Left {
  /** What the token shows under the CKA_ID, or why it shows nothing. */
  readonly key?: PublicKey | TokenError;
  readonly protection?: Protection;
  readonly sign?: (message: Uint8Array) => Buffer;
  readonly certificates?: readonly Buffer[];
  readonly csr?: string;
  readonly occupied?: boolean;
  /** The token makes keys of this type only, and another one is wanted first. */
  readonly makes?: KeyType;
}

const signsWith =
  (key: typeof pair) =>
  (message: Uint8Array): Buffer =>
    sign('sha256', message, key.privateKey);

/** What the journal says: a key with this CKA_ID is to be made in slot b. */
const ID = left.id;

/** A token with this in it, which writes down what it did. */
const tokenWith = (found: Left, did: string[], csr = '') =>
  ({
    async findById(id: string) {
      if (found.key instanceof Error) throw found.key;
      return id === found.key?.id ? found.key : undefined;
    },
    describe: async () => found.protection ?? whole,
    sign: async (_: PublicKey, message: Uint8Array) => (found.sign ?? signsWith(pair))(message),
    certificates: async () => found.certificates ?? [],
    findMade: async () => left,
    forget: (id: string) => did.push(`forget ${id}`),
    async generate(label: string, keyType: KeyType, id: string) {
      assert.ok(!existsSync(csr), 'no CSR of a key before it is left');
      did.push(`generate ${label} ${keyType} ${id}`);
      if (found.makes !== undefined && keyType !== found.makes)
        throw new TokenError('failed', 'KEY_TYPE_UNKNOWN', 'No such keys.');
      if (found.occupied === true) throw new TokenError('occupied', 'LABEL_OCCUPIED', 'Of somebody.');
      return { ...left, id };
    },
  }) as unknown as Token;

const destroying = (did: string[]) => async (label: string, id: string) => void did.push(`destroy ${label} ${id}`);

/** What generating in slot b did, with this in the token. */
async function generating(directory: string, found: Left, current?: KeyRef): Promise<readonly string[]> {
  const did: string[] = [];
  const csr = join(directory, `gw-0001.${ID}.pem`);
  if (found.csr !== undefined) writeFileSync(csr, found.csr);
  const keys = keysOf(tokenWith(found, did, csr), {
    ...(found.makes !== undefined && { keyType: 'ec-p384', otherType: 'ec-p256' }),
    directory,
    current: () => current,
    wrote: () => void did.push('wrote'),
    warn: (message) => void did.push(message),
    clearing: async (label) => ({ advice: `What to do about ${label}` }),
    destroy: destroying(did),
  });
  assert.deepEqual(await keys.generate('b', ID), { slot: 'b', id: ID });
  return did;
}

const fresh = [`generate newleaf-b ec-p256 ${ID}`, 'wrote'];
const replaced = [`destroy newleaf-b ${ID}`, `forget ${ID}`, ...fresh];
const fails = (code: string) => () => {
  throw new TokenError('poisoned', code, `The token failed (${code}).`);
};
const bare = new TokenError('key', 'PUBLIC_KEY_NOT_FOUND', 'There is neither a public key nor a certificate.');

const rows: readonly (readonly [title: string, found: Left, did: readonly string[]])[] = [
  ['nothing is there', {}, fresh],
  ['the key of an earlier attempt was lost, and its CSR is of no use', { csr: 'of the lost key' }, fresh],
  [
    'the token makes the type that is wanted first',
    { makes: 'ec-p384' },
    [`generate newleaf-b ec-p384 ${ID}`, 'wrote'],
  ],
  [
    'the token makes none of the type that is wanted first',
    { makes: 'ec-p256' },
    [`generate newleaf-b ec-p384 ${ID}`, ...fresh],
  ],
  ['a whole key of an earlier attempt is used', { key: left }, []],
  ['and its CSR stays', { key: left, csr: 'mine' }, []],
  [
    'one that answers each signature by a general error was cut off',
    { key: left, sign: fails('CKR_GENERAL_ERROR') },
    replaced,
  ],
  ['one that signs for another public half', { key: left, sign: signsWith(stranger) }, replaced],
  ['one without its public half', { key: bare }, replaced],
  ['one that could be read', { key: left, protection: { ...whole, extractable: true } }, replaced],
];

for (const [title, found, did] of rows) {
  test(title, async (t) => {
    assert.deepEqual(await generating(scratch(t), found), did);
  });
}

for (const [title, found, did] of [
  ['nothing is there', {}, [`generate newleaf-b ec-p384 ${ID}`]],
  ['a whole key of an earlier attempt is used', { key: left }, []],
  ['half a key', { key: bare }, [...replaced.slice(0, 2), `generate newleaf-b ec-p384 ${ID}`]],
] satisfies typeof rows) {
  test(`onboarding key: ${title}`, async () => {
    const met: string[] = [];
    const asked = { label: left.label, id: ID, isUsed: false, destroy: destroying(met) };
    assert.equal((await onboardingKey(tokenWith(found, met), asked)).id, ID);
    assert.deepEqual(met, did);
  });
}

test('what the token says against the key that it has made is told', async (t) => {
  const did = await generating(scratch(t), { protection: { ...whole, local: false } });
  assert.match(did.at(-1) ?? '', /new key "newleaf-b" that it was not made in the token/);
});

const certificates = [Buffer.from('any')];
const broken = fails('CKR_GENERAL_ERROR');

const refusals: readonly (readonly [title: string, found: Left, words: RegExp])[] = [
  [
    'a key with a leaf was whole once: the token is at fault',
    { key: left, sign: broken, certificates },
    /GENERAL_ERROR/,
  ],
  ['a key with a CSR was whole once, too', { key: left, sign: broken, csr: 'any' }, /GENERAL_ERROR/],
  [
    'a key with a leaf that signs wrongly',
    { key: left, sign: signsWith(stranger), certificates },
    /not as the token has made it/,
  ],
  [
    'a key with a CSR that is said to be readable',
    { key: left, protection: { ...whole, extractable: true }, csr: 'any' },
    /not as the token has made it/,
  ],
  ['a key with a CSR that shows no public half', { key: bare, csr: 'any' }, /neither a public key/],
  ['a key whose token has a fault', { key: left, sign: fails('CKR_DEVICE_ERROR') }, /CKR_DEVICE_ERROR/],
  ['a key whose token has lost the login', { key: left, sign: fails('CKR_USER_NOT_LOGGED_IN') }, /NOT_LOGGED_IN/],
  ['a token that shows nothing any more', { key: new TokenError('poisoned', 'KEY_VANISHED', 'Gone.') }, /Gone/],
];

for (const [title, found, words] of refusals) {
  test(`${title}, and nothing is destroyed`, async (t) => {
    const directory = scratch(t);
    await assert.rejects(generating(directory, found), words);
    assert.equal(existsSync(join(directory, `gw-0001.${ID}.pem`)), found.csr !== undefined);
  });
}

test('whatever else has the label is named, and not touched', async (t) => {
  const met = await generating(scratch(t), { occupied: true }).catch(failureOf);
  assert.ok('advice' in met);
  assert.deepEqual([met.code, met.advice], ['NL-TOKEN-OCCUPIED', 'What to do about newleaf-b']);
});

const serving: KeyRef = { slot: 'a', id: '0badbeef' };

test('a gateway that serves gets another key for its next leaf', async (t) => {
  assert.deepEqual(await generating(scratch(t), {}, serving), fresh);
});

test('and is never told to give itself up for what is in the way', async (t) => {
  const met = await generating(scratch(t), { occupied: true }, serving).catch((error: unknown) => error);
  assert.ok(met instanceof TokenError);
});
