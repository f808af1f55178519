import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { KeyRef } from '../../../agent/roll/leaf.ts';
import type { KeyType, PublicKey } from '../../../hsm/public-key.ts';
import { scratch } from '../state/disk.ts';
import { keysOf } from './keys-of.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
const key = { slot: 'b', id: '600dcafe' } as const;

function keysIn(t: TestContext, keyType: KeyType = 'ec-p256', current?: KeyRef) {
  const directory = scratch(t);
  const found: PublicKey = { label: 'newleaf-b', id: key.id, spki, keyType: 'ec-p256' };
  const token = {
    findById: async () => found,
    sign: async (_: PublicKey, message: Uint8Array) => sign('sha256', message, pair.privateKey),
    forget: () => {},
  };
  const keys = keysOf(token, { keyType, directory, current: () => current });
  return { keys, file: join(directory, `gw-0001.${key.id}.pem`) };
}

test('the CSR of a key is the same to the last byte, whoever asks and when', async (t) => {
  const { keys, file } = keysIn(t);
  const [first, ...others] = await Promise.all([keys.csr(key), keys.csr(key), keys.csr(key)]);
  others.push(await keys.csr(key), readFileSync(file, 'utf8'));
  for (const other of others) assert.equal(other, first);
});

for (const [name, text] of [
  ['empty', ''],
  ['cut', '-----BEGIN CERTIFICATE REQUEST-----\nMIIB'],
  ['something else', 'hello\n'],
] as const) {
  test(`a file that is ${name} is made again`, async (t) => {
    const { keys, file } = keysIn(t);
    writeFileSync(file, text);
    assert.match(await keys.csr(key), /^-----BEGIN CERTIFICATE REQUEST-----\n.{64}\n/);
    assert.notEqual(readFileSync(file, 'utf8'), text);
  });
}

test('it goes with its key', async (t) => {
  const { keys, file } = keysIn(t);
  await keys.csr(key);
  await keys.destroy(key);
  assert.throws(() => readFileSync(file), { code: 'ENOENT' });
  assert.equal(await keys.csr(key), readFileSync(file, 'utf8'), 'nor is it remembered');
});

test('a key of another type than is configured by now is not asked a leaf for: the CA may have refused that type', async (t) => {
  await assert.rejects(
    keysIn(t, 'rsa-2048').keys.csr(key),
    /^Fault: NL-ISSUER-NEW-KEY .* ec-p256, and .* rsa-2048\. .* --new-key`$/,
  );
});

test('but the key of the current leaf is what it is', async (t) => {
  assert.match(await keysIn(t, 'rsa-2048', key).keys.csr(key), /^-----BEGIN CERTIFICATE REQUEST-----/);
});
