import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rv } from '../contract/faulty/faulty.ts';
import { prints, types } from './arrow.ts';
import { servingFaulty } from './stage/faulty-site.ts';
import { cut, PATIENCE_MS } from './stage/site.ts';

test('a key that the token has not destroyed is told until it is gone: what is printed ends it', async (t) => {
  const { far, gateway, hsm } = await servingFaulty(t);
  hsm.answer('C_DestroyObject', rv('CKR_FUNCTION_FAILED'), -1);
  await types(gateway, 'roll', '--wait');
  // Each CSR needs its slot, and has it tried at once.
  while ((await gateway.status()).phase === 'retiring-key') await gateway.command('csr');
  assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a', 'newleaf-b']);
  const again = far.log.entries.length;
  await cut(far);
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, again);
  await gateway.settled();
  await prints(gateway, ['status'], 'NL-TOKEN-OCCUPIED', ['newleaf csr']);
  await prints(gateway, ['check', 'trouble'], 'NL-TOKEN-OCCUPIED', ['newleaf csr']);
  hsm.heal();
  for (const type of ['privkey', 'pubkey'])
    gateway.token.ask('--delete-object', '--type', type, '--label', 'newleaf-a');
  await types(gateway, 'csr');
  const { wrong } = await gateway.settled();
  assert.deepEqual(wrong, []);
});
