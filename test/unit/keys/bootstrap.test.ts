import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificatesOf } from '../../../agent/certificate/pem.ts';
import { identityInToken } from '../../../agent/keys/bootstrap.ts';
import { mint, mintCa } from '../certificate/mint.ts';

const root = await mintCa();
const intermediate = await mintCa({ subject: 'CN=Intermediate', by: root });
const leaf = await mint({ by: intermediate });
const other = await mint({ subject: 'CN=other' });

const identityOf = (certificates: readonly Buffer[]) =>
  identityInToken(
    {
      findByUri: async () => ({ id: 'fa', label: 'factory', spki: leaf.spki, keyType: 'ec-p256' }),
      certificates: async () => [...certificates],
    },
    'pkcs11:id=%fa',
    undefined,
    '',
  );

for (const [name, given] of [
  ['as it should be', [leaf, intermediate, root]],
  ['upside down', [root, intermediate, leaf]],
  ['mixed', [intermediate, root, leaf]],
] as const) {
  test(`the token lists a chain ${name}: the leaf is shown first, and each issuer after what it issued`, async () => {
    const { chain } = await identityOf(given.map(({ der }) => der));
    assert.deepEqual(certificatesOf(chain), [leaf.der, intermediate.der, root.der]);
  });
}

test('what does not belong to it comes last, and alone as it is', async () => {
  const { chain } = await identityOf([other.der, leaf.der]);
  assert.deepEqual(certificatesOf(chain), [leaf.der, other.der]);
  assert.deepEqual(certificatesOf((await identityOf([other.der])).chain), [other.der]);
});
