import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, mock, test } from 'node:test';
import tls, { type SecureContext } from 'node:tls';
import type { TokenError } from '../../../hsm/ckr.ts';
import { TokenConnectors } from '../../../hsm/tls.ts';
import type { Token } from '../../../hsm/token.ts';

const directory = mkdtempSync(join(tmpdir(), 'newleaf-tls-'));
after(() => rmSync(directory, { recursive: true }));
afterEach(() => {
  mock.restoreAll();
  syncBuiltinESMExports();
});

/** OpenSSL before a token that has every key: it fails in this order, then no more. */
function openssl(...failures: readonly Error[]) {
  const left = [...failures];
  const create = mock.method(tls, 'createSecureContext', () => {
    const failure = left.shift();
    if (failure !== undefined) throw failure;
    return {} as SecureContext;
  });
  syncBuiltinESMExports();
  const noted: string[] = [];
  const token = {
    name: { label: 'newleaf', serial: '' },
    findById: async (id: string) => ({ id }),
    async noted(refusal: TokenError) {
      noted.push(refusal.code);
      return refusal;
    },
  };
  const connectors = new TokenConnectors(token as unknown as Token, '1234', directory);
  const context = () => connectors.connector({ id: 'ab', chain: 'leaf', ca: 'ca' });
  return { context, count: () => create.mock.callCount(), noted };
}

const error = (more: object) => Object.assign(new Error('OpenSSL'), more);

test('OpenSSL that has no PIN has shown none to the token: the next context is tried', async () => {
  const { context } = openssl(error({ code: 'ERR_OSSL_UI_PROCESSING_ERROR' }));
  await assert.rejects(context(), { name: 'TokenError', kind: 'failed', code: 'PIN_SOURCE' });
  assert.ok(await context());
});

for (const [reason, kind] of [
  ['PIN incorrect', 'pin'],
  ['PIN locked', 'pin-locked'],
] as const) {
  test(`a PIN that the token refuses is shown to it once: ${reason}`, async () => {
    const { context, count, noted } = openssl(error({ library: 'PKCS#11 module', reason }));
    await assert.rejects(context(), { name: 'TokenError', kind });
    const tried = count();
    await assert.rejects(context(), { name: 'TokenError', kind });
    assert.equal(count(), tried);
    assert.equal(noted.length, 1, 'for the processes that follow');
  });
}
