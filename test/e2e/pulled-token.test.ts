import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EXIT } from '../../agent/failure/exit.ts';
import { cut, PATIENCE_MS, serving } from './stage/site.ts';

test('a key that somebody destroys while the gateway serves costs one restart, and is then known as lost', {
  timeout: 4 * PATIENCE_MS,
}, async (t) => {
  const { far, gateway } = await serving(t);
  gateway.token.ask('--delete-object', '--type', 'privkey', '--label', 'newleaf-a');
  await cut(far);
  assert.equal(await gateway.ended(), EXIT.restart);
  await gateway.start();
  await gateway.until(({ trouble }) => trouble?.code === 'NL-TOKEN-KEY');
  assert.equal((await gateway.command('roll', '--wait')).code, EXIT.done);
});
