import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Serving, serving } from './stage/site.ts';

/** Another program gives its key the CKA_ID of the leaf. */
async function shares({ gateway }: Pick<Serving, 'gateway'>): Promise<void> {
  const state = JSON.parse(readFileSync(join(gateway.stateDirectory, 'state.json'), 'utf8'));
  const { id } = state.entry.current.key;
  gateway.token.ask('--keypairgen', '--key-type', 'EC:prime256v1', '--label', 'another', '--id', id);
  await gateway.stop();
}

test('another program gives its key the CKA_ID of the leaf: the issuer that needs no person gives another leaf at once', async (t) => {
  const site = await serving(t);
  const { gateway, thumbprint } = site;
  await shares(site);
  await gateway.start();
  const { leaf, last, trouble } = await gateway.settled();
  assert.notEqual(leaf?.thumbprint, thumbprint);
  assert.deepEqual([last?.reason, last?.outcome, trouble], ['key-lost', 'done', undefined]);
});

test('the same, and the gateway is given up: its own key goes, and the other one is shown, and stays', async (t) => {
  const site = await serving(t);
  const { gateway } = site;
  await shares(site);
  const { code, out, err } = await gateway.command('decommission', '--yes');
  assert.equal(code, 0, err);
  const said = out.replaceAll(/\s+/g, ' ');
  assert.match(
    said,
    /destroys for good: key newleaf-a .* It leaves alone: key another in token "newleaf": it shares its CKA_ID/,
  );
  assert.deepEqual(gateway.token.privateKeys(), ['another']);
});

test('the same while the issuer is away: status and check name the roll that cures it, as printed', async (t) => {
  const site = await serving(t);
  const { far, gateway } = site;
  await shares(site);
  await far.lay('est', 'port-closed');
  await gateway.start();
  await gateway.until(({ wrong }) => wrong.some(({ code }) => code === 'NL-TOKEN-KEY'));
  for (const command of [['status'], ['check', 'keys'], ['check', 'leaf-key']]) {
    const { out } = await gateway.command(...command);
    assert.match(
      out.replaceAll(/\s+/g, ' '),
      /the same CKA_ID, .* or get one with an ID of its own: `newleaf roll --wait`/,
    );
    assert.doesNotMatch(out, /name one/);
  }
  await far.lift('est');
  assert.equal((await gateway.command('roll', '--wait')).code, 0);
  const { trouble } = await gateway.settled();
  assert.equal(trouble, undefined);
  assert.deepEqual(gateway.token.privateKeys(), ['another', 'newleaf-b'], 'the other key is not ours to destroy');
});
