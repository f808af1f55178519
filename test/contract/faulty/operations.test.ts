import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { after, afterEach, before, test } from 'node:test';
import pkcs11js from 'pkcs11js';
import type { PublicKey } from '../../../hsm/public-key.ts';
import { withEnvironment } from '../../put-back.ts';
import { type Bench, openBench } from '../token/bench.ts';
import { freshId } from '../token/fresh-id.ts';
import { softHsm } from '../token/softhsm.ts';
import { faulty, rv } from './faulty.ts';

const at = faulty(softHsm());
withEnvironment(at.environment);
let bench: Bench;
let key: PublicKey;
const message = Buffer.from('to be signed');

before(async () => {
  bench = await openBench(at);
  key = await bench.token.generate('newleaf-a', 'ec-p256', freshId());
});
afterEach(() => at.heal());
after(() => at.remove());

/** What the key signs, its public half confirms. */
async function assertSigns(): Promise<void> {
  const spki = createPublicKey({ key: key.spki, format: 'der', type: 'spki' });
  assert.ok(verify('sha256', message, spki, await bench.token.sign(key, message)));
}

test('a search that the module did not end stands in the way of none after it', async () => {
  at.answer('C_FindObjectsFinal', rv('CKR_FUNCTION_FAILED'));
  await assert.rejects(bench.token.find('newleaf-a'), { kind: 'failed', code: 'CKR_FUNCTION_FAILED' });
  assert.equal((await bench.token.find('newleaf-a'))?.id, key.id);
  await assertSigns();
});

test('a signature that the module did not end stands in the way of none: its session is closed, without another login', async () => {
  at.answer('C_Sign', rv('CKR_FUNCTION_FAILED'));
  await assert.rejects(bench.token.sign(key, message), { kind: 'failed', code: 'CKR_FUNCTION_FAILED' });
  await assertSigns();
  assert.deepEqual([at.calls('C_OpenSession'), at.calls('C_CloseSession'), at.calls('C_Login')], [1, 1, 0]);
});

test('a module that finds an operation active in a new session as well is given up until a restart', async () => {
  at.answer('C_SignInit', rv('CKR_OPERATION_ACTIVE'), -1);
  await assert.rejects(bench.token.sign(key, message), { kind: 'poisoned', code: 'CKR_OPERATION_ACTIVE' });
});

test('a general error that passes costs the next key nothing: it can sign, and do nothing else', async () => {
  at.answer('C_GenerateKeyPair', rv('CKR_GENERAL_ERROR'));
  const made = await bench.token.generate('newleaf-b', 'ec-p256', freshId());
  const [handle] = bench.raw.find([
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
    { type: pkcs11js.CKA_ID, value: Buffer.from(made.id, 'hex') },
  ]);
  for (const type of [pkcs11js.CKA_DECRYPT, pkcs11js.CKA_UNWRAP, pkcs11js.CKA_SIGN_RECOVER]) {
    assert.deepEqual(bench.raw.read(handle ?? assert.fail(), type), Buffer.of(0));
  }
  await bench.token.destroy(made.label, made.id);
});

test('a certificate beside a key is looked at only where the public key is not there', async () => {
  at.refuse(pkcs11js.CKA_VALUE, rv('CKR_DEVICE_ERROR'));
  assert.equal((await bench.token.find('newleaf-a'))?.id, key.id);
  assert.equal(at.calls('C_FindObjectsInit'), 2, 'the private key, and the public one');
});

test('a key that wants the PIN for each signature is refused in words: TLS cannot give it', async () => {
  at.say(pkcs11js.CKA_ALWAYS_AUTHENTICATE, true);
  await assert.rejects(bench.token.findByUri('pkcs11:object=newleaf-a'), {
    kind: 'key',
    code: 'KEY_ALWAYS_AUTHENTICATES',
    message: /newleaf-a.*each signature.*CKA_ALWAYS_AUTHENTICATE/,
  });
});
