import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey, verify } from 'node:crypto';
import { afterEach, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import pkcs11js from 'pkcs11js';
import type { KeyType, PublicKey } from '../../../hsm/public-key.ts';
import type { Bench } from './bench.ts';
import { freshId } from './fresh-id.ts';

const PROTECTED = { sensitive: true, extractable: false, alwaysSensitive: true, neverExtractable: true };

function verified(key: PublicKey, message: Buffer, signature: Buffer): boolean {
  const publicKey = createPublicKey({ key: key.spki, format: 'der', type: 'spki' });
  return verify(key.keyType === 'ec-p384' ? 'sha384' : 'sha256', message, publicKey, signature);
}

/** Key pairs: made, found, used, and never readable. */
export function keyContract(bench: () => Bench, keyTypes: readonly KeyType[]): void {
  const made: PublicKey[] = [];
  const generate = async (label: string, keyType: KeyType = 'ec-p256'): Promise<PublicKey> => {
    const key = await bench().token.generate(label, keyType, freshId());
    made.push(key);
    return key;
  };
  afterEach(async () => {
    for (const { label, id } of made.splice(0)) await bench().token.destroy(label, id);
  });

  for (const keyType of keyTypes) {
    test(`a ${keyType} key is made, found again, and signs`, async () => {
      const { token } = bench();
      assert.equal(await token.find('newleaf-a'), undefined);
      const key = await generate('newleaf-a', keyType);
      assert.match(key.id, /^[0-9a-f]{32}$/);
      assert.deepEqual([key.label, key.keyType], ['newleaf-a', keyType]);
      assert.deepEqual(await token.find('newleaf-a'), key);
      assert.deepEqual(await token.findById(key.id), key);
      const message = Buffer.from('to be signed');
      const signature = await token.sign(key, message);
      assert.ok(verified(key, message, signature));
      assert.ok(!verified(key, Buffer.from('something else'), signature));
    });

    test(`a ${keyType} key says of itself that nobody ever could read it`, async () => {
      const key = await generate('newleaf-a', keyType);
      const { local, ...protection } = await bench().token.describe(key);
      assert.deepEqual(protection, PROTECTED);
      assert.equal(local, !bench().at.lacks.includes('local'));
    });

    test(`the private part of a ${keyType} key cannot be read`, async () => {
      const key = await generate('newleaf-a', keyType);
      const { raw } = bench();
      const [handle] = raw.find([
        { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
        { type: pkcs11js.CKA_ID, value: Buffer.from(key.id, 'hex') },
      ]);
      const secret = keyType.startsWith('ec') ? pkcs11js.CKA_VALUE : pkcs11js.CKA_PRIVATE_EXPONENT;
      assert.throws(() => raw.read(handle ?? assert.fail(), secret), {
        message: /^CKR_ATTRIBUTE_(SENSITIVE|TYPE_INVALID)$/,
      });
    });

    test(`pkcs11-tool sees that a ${keyType} key may only sign, and never leaves the token`, async () => {
      const key = await generate('newleaf-a', keyType);
      const { module, token, pin, environment } = bench().at;
      const args = ['--module', module, '--token-label', token, '--login', '--pin', pin, '-O', '--type', 'privkey'];
      const seen = execFileSync('pkcs11-tool', [...args, '--id', key.id], {
        env: { ...process.env, ...environment },
        encoding: 'utf8',
        stdio: 'pipe',
      });
      assert.match(seen, /Access: +sensitive, always sensitive, never extractable(, local)?$/m);
      if (!bench().at.lacks.includes('usage')) assert.match(seen, /Usage: +sign$/m);
    });
  }

  test('a thousand short messages give valid DER: r and s have leading zeros and high bits among them', async () => {
    const key = await generate('newleaf-a');
    for (let round = 0; round < 1000; round += 1) {
      const message = Buffer.from(String(round));
      assert.ok(verified(key, message, await bench().token.sign(key, message)), `message ${round}`);
    }
  });

  test('every generation has a CKA_ID of its own, under the same label as well', async () => {
    const first = await generate('newleaf-a');
    await bench().token.destroy(first.label, first.id);
    const second = await generate('newleaf-a');
    assert.notEqual(second.id, first.id);
    assert.notDeepEqual(second.spki, first.spki);
    assert.equal(await bench().token.findById(first.id), undefined);
  });

  test('a label that a private key has is refused, and the key stays as it was', async () => {
    const key = await generate('newleaf-a');
    await assert.rejects(bench().token.generate('newleaf-a', 'ec-p256', freshId()), {
      kind: 'occupied',
      code: 'LABEL_OCCUPIED',
    });
    assert.deepEqual(await bench().token.find('newleaf-a'), key);
  });

  test('a key that is gone cannot sign or be described', async () => {
    const { token } = bench();
    const key = await generate('newleaf-a');
    await token.destroy(key.label, key.id);
    await assert.rejects(token.sign(key, Buffer.of(1)), { name: 'TokenError', kind: 'key', code: 'KEY_NOT_FOUND' });
    await assert.rejects(token.describe(key), { kind: 'key', code: 'KEY_NOT_FOUND' });
  });

  test('whether a key that has vanished is lost, a new process must see', async () => {
    const { token, raw } = bench();
    const key = await generate('newleaf-a');
    raw.destroy([{ type: pkcs11js.CKA_ID, value: Buffer.from(key.id, 'hex') }]);
    const vanished = { name: 'TokenError', kind: 'poisoned', code: 'KEY_VANISHED' };
    await assert.rejects(token.sign(key, Buffer.of(1)), vanished);
    await assert.rejects(token.findById(key.id), vanished);
    token.forget(key.id);
    assert.equal(await token.findById(key.id), undefined);
  });

  test('calls that overlap are answered each with its own result', async () => {
    const { token } = bench();
    const [a, b] = await Promise.all([generate('newleaf-a'), generate('newleaf-b')]);
    const messages = Array.from({ length: 20 }, (_, index) => Buffer.from(`message ${index}`));
    const answers = await Promise.all(
      messages.map(async (message, index) => {
        const key = index % 2 === 0 ? a : b;
        const [signature, found] = await Promise.all([token.sign(key, message), token.find(key.label)]);
        return verified(key, message, signature) && found?.id === key.id;
      }),
    );
    assert.deepEqual(new Set(answers), new Set([true]));
  });

  const slow = keyTypes.find((keyType) => keyType.startsWith('rsa'));
  test('the loop turns while the token makes an RSA key', { skip: slow === undefined }, async () => {
    let done = false;
    let turns = 0;
    const making = generate('newleaf-a', slow).finally(() => {
      done = true;
    });
    for (; !done; turns += 1) await setImmediate();
    await making;
    assert.ok(turns > 20, `the loop turned ${turns} times`);
  });
}
