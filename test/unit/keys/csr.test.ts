import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { KeyRef } from '../../../agent/roll/leaf.ts';
import { csr, isCsr } from '../../../hsm/csr.ts';
import type { KeyType, PublicKey } from '../../../hsm/public-key.ts';
import { scratch } from '../state/disk.ts';
import { keysOf } from './keys-of.ts';

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = pair.publicKey.export({ format: 'der', type: 'spki' });
const key = { slot: 'b', id: '600dcafe' } as const;

function keysIn(t: TestContext, keyType: KeyType = 'ec-p256', current?: KeyRef, wrong = 0) {
  const directory = scratch(t);
  const found: PublicKey = { label: 'newleaf-b', id: key.id, spki, keyType: 'ec-p256' };
  let left = wrong;
  const token = {
    findById: async () => found,
    sign: async (_: PublicKey, message: Uint8Array) => {
      left -= 1;
      return sign('sha256', left < 0 ? message : message.subarray(1), pair.privateKey);
    },
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

test('a file with one wrong bit, and the CSR of another key or name, is made again', async (t) => {
  const { keys, file } = keysIn(t);
  const good = await keys.csr(key);
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const made = (cn: string, of: typeof pair) => {
    const spkiOf = of.publicKey.export({ format: 'der', type: 'spki' });
    const shown = { label: '', id: '', spki: spkiOf, keyType: 'ec-p256' } as const;
    return csr(cn, shown, async (message) => sign('sha256', message, of.privateKey));
  };
  const wrong = [await made('gw-0001', other), await made('gw-0002', pair)];
  for (let at = 0; at < good.length; at += 7) {
    const bytes = Buffer.from(good);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    wrong.push(bytes.toString());
  }
  for (const text of wrong) {
    writeFileSync(file, text);
    const now = await keys.csr(key);
    assert.notEqual(now, text);
    assert.equal(isCsr(now, 'gw-0001', { label: '', id: '', spki, keyType: 'ec-p256' }), true);
    assert.equal(readFileSync(file, 'utf8'), now);
  }
});

test('a signature that is wrong once is made again; one that is wrong again is told, and nothing is written', async (t) => {
  assert.match(await keysIn(t, 'ec-p256', undefined, 1).keys.csr(key), /^-----BEGIN CERTIFICATE REQUEST-----/);
  const { keys, file } = keysIn(t, 'ec-p256', undefined, 2);
  await assert.rejects(keys.csr(key), { code: 'SIGNATURE_WRONG' });
  assert.equal(existsSync(file), false);
});

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
