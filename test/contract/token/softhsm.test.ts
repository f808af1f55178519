import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openToken } from '../../../hsm/token.ts';
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

const bench = tokenContract(at);

// The last one: nothing in this process can use the module after it.
test('a module that lost its state is poisoned, which only a restart heals', async () => {
  const { token, raw } = bench();
  const key = await token.generate('newleaf-a', 'ec-p256');
  await token.destroy(key.label, key.id);
  raw.finalize();
  const poisoned = { name: 'TokenError', kind: 'poisoned', code: 'CKR_CRYPTOKI_NOT_INITIALIZED' };
  await assert.rejects(token.find('newleaf-a'), poisoned);
  await assert.rejects(token.sign(key, Buffer.of(1)), poisoned);
  await assert.rejects(token.generate('newleaf-a', 'ec-p256'), poisoned);
});
