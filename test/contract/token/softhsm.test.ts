import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, type KeyObject, verify } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import pkcs11js from 'pkcs11js';
import { loadModule, tokensIn } from '../../../hsm/module.ts';
import { openToken } from '../../../hsm/token.ts';
import { freshId } from './fresh-id.ts';
import { softHsm } from './softhsm.ts';
import { tokenContract } from './suite.ts';

const at = softHsm('newleaf', 'twin', 'twin');

test('two tokens that match are not guessed between, and the serial number tells them apart', async () => {
  const options = { module: at.module, token: undefined, uri: undefined, pin: at.pin };
  const refusal = { name: 'TokenError', kind: 'missing', code: 'TOKEN_AMBIGUOUS' };
  await assert.rejects(openToken(options), refusal);
  const error: unknown = await openToken({ ...options, token: 'twin' }).catch((why: unknown) => why);
  assert.ok(error instanceof Error && 'code' in error && error.code === 'TOKEN_AMBIGUOUS');
  const serials = [...error.message.matchAll(/"twin" \(serial (\w+)\)/g)].map(([, serial]) => serial ?? '');
  assert.equal(serials.length, 2);
  for (const serial of serials) {
    const token = await openToken({ ...options, uri: `pkcs11:token=twin;serial=${serial}` });
    assert.deepEqual([token.name.label, token.name.serial], ['twin', serial]);
  }
});

test('of two tokens that match, the one that has worked before is taken, and no note keeps the other from being used', async () => {
  const options = { module: at.module, token: 'twin', uri: undefined, pin: at.pin };
  const noted = (uri: string) => {
    writeFileSync(join(at.directory, 'token-uri'), uri);
    return at.directory;
  };
  const serials = tokensIn(loadModule(at.module)).flatMap(({ name }) => (name.label === 'twin' ? [name.serial] : []));
  for (const serial of serials) {
    const { name, doubt } = await openToken({ ...options, notes: noted(`pkcs11:serial=${serial}`) });
    assert.equal(name.serial, serial);
    assert.ok(doubt?.includes(`(serial ${serial}).`));
  }
  const ambiguous = { code: 'TOKEN_AMBIGUOUS', message: new RegExp(serials.join('|')) };
  for (const uri of ['pkcs11:serial=third', 'pkcs11:token=twin', 'damaged'])
    await assert.rejects(openToken({ ...options, notes: noted(uri) }), ambiguous);
  const alone = await openToken({ ...options, token: 'newleaf', notes: noted('pkcs11:serial=lost') });
  assert.deepEqual([alone.name.label, alone.doubt], ['newleaf', undefined]);
});

const bench = tokenContract(at);

test('what a power cut has left of a pair is found by its label', async () => {
  const { token, raw } = bench();
  const label = { type: pkcs11js.CKA_LABEL, value: 'newleaf-a' };
  const without = (kind: number) => raw.destroy([{ type: pkcs11js.CKA_CLASS, value: kind }, label]);
  const key = await token.generate('newleaf-a', 'ec-p256', freshId());
  const whole = await token.generations('newleaf-a');
  without(pkcs11js.CKO_PUBLIC_KEY);
  assert.deepEqual(await token.generations('newleaf-a'), whole, 'the private half alone');
  await token.destroy('newleaf-a', key.id);
  const { id } = await token.generate('newleaf-a', 'ec-p256', freshId());
  without(pkcs11js.CKO_PRIVATE_KEY);
  assert.deepEqual(await token.generations('newleaf-a'), [{ id }], 'the public half alone');
  await token.destroy('newleaf-a', id);
  assert.deepEqual(await token.generations('newleaf-a'), []);
});

const OUTSIDE: readonly (readonly [keyType: string, key: () => KeyObject])[] = [
  ['ec-p256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
  ['ec-p384', () => generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
  ['rsa-2048', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
];

for (const [keyType, make] of OUTSIDE) {
  test(`a ${keyType} key from a file is brought in once, signs, and can be read no more`, async () => {
    const { token } = bench();
    const outside = make();
    const key = await token.importKey('newleaf-a', outside);
    assert.equal(key.keyType, keyType);
    assert.deepEqual(await token.importKey('newleaf-a', outside), key);
    const usable = await token.usable();
    assert.deepEqual(usable, [key]);
    const message = Buffer.from('to be signed');
    const signature = await token.sign(key, message);
    const hash = keyType === 'ec-p384' ? 'sha384' : 'sha256';
    assert.ok(verify(hash, message, createPublicKey(outside), signature));
    const { sensitive, extractable, neverExtractable } = await token.describe(key);
    assert.deepEqual([sensitive, extractable, neverExtractable], [true, false, false]);
    await assert.rejects(token.importKey('newleaf-a', make()), { code: 'LABEL_OCCUPIED' });
    await token.destroy(key.label, key.id);
    assert.deepEqual(await token.usable(), []);
  });
}

// The last one: nothing in this process can use the module after it.
test('a module that lost its state is poisoned, which only a restart heals', async () => {
  const { token, raw } = bench();
  const key = await token.generate('newleaf-a', 'ec-p256', freshId());
  await token.destroy(key.label, key.id);
  raw.finalize();
  const poisoned = { name: 'TokenError', kind: 'poisoned', code: 'CKR_CRYPTOKI_NOT_INITIALIZED' };
  await assert.rejects(token.find('newleaf-a'), poisoned);
  await assert.rejects(token.sign(key, Buffer.of(1)), poisoned);
  await assert.rejects(token.generate('newleaf-a', 'ec-p256', freshId()), poisoned);
});
