import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import { csr } from '../../../hsm/csr.ts';
import type { KeyType, PublicKey } from '../../../hsm/public-key.ts';

interface Pair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

const cases: readonly (readonly [KeyType, string, Pair, RegExp])[] = [
  ['ec-p256', 'sha256', generateKeyPairSync('ec', { namedCurve: 'P-256' }), /ecdsa-with-SHA256/],
  ['ec-p384', 'sha384', generateKeyPairSync('ec', { namedCurve: 'P-384' }), /ecdsa-with-SHA384/],
  ['rsa-2048', 'sha256', generateKeyPairSync('rsa', { modulusLength: 2048 }), /sha256WithRSAEncryption/],
];

const openssl = (input: string, ...args: string[]): string =>
  execFileSync('openssl', ['req', '-noout', ...args], { input, encoding: 'utf8', stdio: 'pipe' });

const publicHalf = (pair: Pair, keyType: KeyType): PublicKey => {
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
  return { label: 'newleaf-a', id: '01', spki, keyType };
};

for (const [keyType, digest, pair, algorithm] of cases) {
  test(`openssl verifies a request for ${keyType}, and finds what was asked for`, async () => {
    const request = await csr('gw-0001', publicHalf(pair, keyType), async (message) =>
      sign(digest, message, pair.privateKey),
    );
    openssl(request, '-verify');
    assert.equal(openssl(request, '-pubkey'), pair.publicKey.export({ type: 'spki', format: 'pem' }));
    const words = openssl(request, '-text', '-subject');
    assert.match(words, algorithm);
    assert.match(words, /^subject=CN ?= ?gw-0001$/m);
    assert.match(words, /X509v3 Key Usage: critical\s+Digital Signature\n/);
    assert.match(words, /X509v3 Extended Key Usage: *\n\s+TLS Web Client Authentication\n/);
  });
}

test('a common name of 128 characters and beyond ASCII is written in whole', async () => {
  const [keyType, digest, pair] = cases[0] ?? assert.fail();
  for (const name of ['x'.repeat(128), 'Gewächshaus-ß']) {
    const request = await csr(name, publicHalf(pair, keyType), async (message) =>
      sign(digest, message, pair.privateKey),
    );
    assert.ok(openssl(request, '-subject', '-nameopt', 'utf8').includes(name));
  }
});

test('a token that fails to sign fails the request', async () => {
  const [keyType, , pair] = cases[0] ?? assert.fail();
  const refusal = new Error('no');
  await assert.rejects(
    csr('gw', publicHalf(pair, keyType), () => Promise.reject(refusal)),
    refusal,
  );
});
