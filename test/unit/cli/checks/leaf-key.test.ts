import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { describe, test } from 'node:test';
import { CHECKS } from '../../../../agent/cli/checks/list.ts';
import type { KeyType } from '../../../../hsm/public-key.ts';
import { ec, type Minted, mint, privateKeyPem, rsa } from '../../certificate/mint.ts';
import { currentLeaf, entry, key, siteWith, tokenWith } from '../gateway.ts';

const leafKey = CHECKS.find(({ id }) => id === 'leaf-key');

const p256 = await mint();
const p384 = await mint({ keys: await ec('P-384'), signing: { name: 'ECDSA', hash: 'SHA-384' } });
const rsa2048 = await mint({ keys: await rsa(2048) });

/** What is found where the leaf is of one key, and the token says that it has another, and signs with a third. */
async function found(leaf: Minted, held: Minted, signer: Minted, keyType: KeyType) {
  const digest = keyType === 'ec-p384' ? 'sha384' : 'sha256';
  const token = tokenWith({
    findById: async () => ({ ...key, spki: held.spki, keyType }),
    sign: async (_, message) => sign(digest, message, privateKeyPem(signer.keys)),
  });
  const site = siteWith({
    token: async () => token,
    entry: async () => ({ ...entry, current: { ...currentLeaf, chain: leaf.pem } }),
  });
  assert.ok(leafKey !== undefined);
  const { outcome, code, message } = await leafKey.look(site);
  return [outcome, code, message];
}

describe('leaf-key: the key is there, and', () => {
  for (const [keyType, leaf] of [
    ['ec-p256', p256],
    ['ec-p384', p384],
    ['rsa-2048', rsa2048],
  ] as const) {
    test(`signs: ${keyType}`, async () => {
      const expected = ['ok', undefined, 'The key "newleaf-a" signs for the current leaf.'];
      assert.deepEqual(await found(leaf, leaf, leaf, keyType), expected);
    });
  }

  test('is that of another leaf', async () => {
    const message = 'The key "newleaf-a" is not that of the current leaf.';
    assert.deepEqual(await found(p256, p384, p256, 'ec-p384'), ['failed', 'NL-TOKEN-KEY', message]);
  });

  test('its signature is worth nothing', async () => {
    const message = 'Signatures of the key "newleaf-a" do not verify.';
    assert.deepEqual(await found(p256, p256, await mint(), 'ec-p256'), ['failed', 'NL-TOKEN-FAILED', message]);
  });
});
