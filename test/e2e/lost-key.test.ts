import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { holds } from './holds.ts';
import { serving } from './site.ts';

test('the key of the leaf is gone from the token: it is said, nothing is written again and again, and a roll mends it', async (t) => {
  const { gateway, thumbprint } = await serving(t);
  await gateway.stop();
  gateway.token.ask('--delete-object', '--type', 'privkey', '--label', 'newleaf-a');
  await gateway.start();
  const lost = await gateway.until(({ trouble }) => trouble?.code === 'NL-TOKEN-KEY');
  holds(lost, { phase: 'serving', online: false, leaf: { thumbprint } });
  const written = () => statSync(join(gateway.stateDirectory, 'leaf.pem')).mtimeMs;
  const first = written();

  // Each of these is an event, as each attempt to connect is.
  for (const id of ['1', '2', '3']) await gateway.post('/v1/csr', { id });
  assert.equal(written(), first);
  assert.deepEqual(gateway.log.matching({ event: 'files-unwritten' }), []);

  const asked = await gateway.command('roll', '--wait');
  assert.equal(asked.code, 0, asked.err);
  const { leaf } = await gateway.settled();
  assert.notEqual(leaf?.thumbprint, thumbprint);
  assert.deepEqual(gateway.token.privateKeys(), ['newleaf-b']);
});
