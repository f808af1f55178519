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

tokenContract(at);
