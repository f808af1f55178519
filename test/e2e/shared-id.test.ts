import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { serving } from './stage/site.ts';

test('another program gives its key the CKA_ID of the leaf: status and check name the roll that cures it, as printed', async (t) => {
  const { gateway } = await serving(t);
  const state = JSON.parse(readFileSync(join(gateway.stateDirectory, 'state.json'), 'utf8'));
  const { id } = state.entry.current.key;
  gateway.token.ask('--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'another', '--id', id);
  await gateway.stop();
  await gateway.start();
  await gateway.until(({ trouble }) => trouble?.code === 'NL-TOKEN-KEY');
  for (const command of [['status'], ['check', 'keys'], ['check', 'leaf-key']]) {
    const { out } = await gateway.command(...command);
    assert.match(
      out.replaceAll(/\s+/g, ' '),
      /the same CKA_ID, .* or get one with an ID of its own: `newleaf roll --wait`/,
    );
    assert.doesNotMatch(out, /name one/);
  }
  assert.equal((await gateway.command('roll', '--wait')).code, 0);
  const { trouble } = await gateway.settled();
  assert.equal(trouble, undefined);
  assert.deepEqual(gateway.token.privateKeys(), ['another', 'newleaf-b'], 'the other key is not ours to destroy');
});
