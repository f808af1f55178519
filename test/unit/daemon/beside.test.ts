import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Failure, failure } from '../../../agent/failure/failure.ts';
import { Disk, gateway, serving } from './gateway.ts';

test('what is wrong beside the machine, as in the inbox, is told while it lasts', async (t) => {
  let met: Failure | undefined = failure('NL-LEAF-NOT-YET', { message: 'gw.pem waits in the inbox.' });
  const { status } = await gateway(t, new Disk(serving), {}, { beside: () => met });
  const told = async () => (await status()).wrong.map(({ code, message }) => `${code} ${message}`);
  assert.deepEqual(await told(), ['NL-LEAF-NOT-YET gw.pem waits in the inbox.']);
  met = undefined;
  assert.deepEqual(await told(), []);
});
