import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { KeyType } from '../../../hsm/public-key.ts';
import { type Bench, openBench } from './bench.ts';
import { keyContract } from './keys.ts';
import { objectContract } from './objects.ts';
import { refusalContract } from './refusals.ts';
import { rollContract } from './rolls.ts';
import type { TestToken } from './softhsm.ts';
import { tlsContract } from './tls.ts';

/**
 * What hsm/ promises, checked against one module. One module to a process: call it once in a test file.
 * @param keyTypes what the module can make
 */
export function tokenContract(at: TestToken, keyTypes: readonly KeyType[] = ['ec-p256', 'ec-p384', 'rsa-2048']): void {
  Object.assign(process.env, at.environment);
  after(() => at.remove());

  describe('refusals', () => refusalContract(at));
  describe('an open token', () => {
    let opened: Bench | undefined;
    before(async () => {
      opened = await openBench(at);
    });
    const bench = (): Bench => {
      if (opened === undefined) throw new Error('the token is not open');
      return opened;
    };
    describe('keys', () => keyContract(bench, keyTypes));
    describe('objects', () => objectContract(bench));
    describe('TLS', () => tlsContract(bench, keyTypes));
    describe('rolls', () => rollContract(bench));
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
  });
}
