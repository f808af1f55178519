import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type FaultyToken, faulty, rv } from '../contract/faulty/faulty.ts';
import { prints, signs, types } from './arrow.ts';
import { type Site, site } from './stage/site.ts';

const BRINGS = ['newleaf csr', 'newleaf install FILE'];

/** A gateway whose leaves a person brings, with its first one. */
async function brought(t: TestContext, issuer: 'inbox' | 'hub', options = {}): Promise<Site> {
  const made = await site(t, { settings: { 'leaf.issuer': `"${issuer}"` }, ...options });
  await made.gateway.start();
  await made.gateway.until(({ person }) => person);
  await signs(made, await types(made.gateway, 'csr'));
  await made.gateway.settled();
  return made;
}

for (const issuer of ['inbox', 'hub'] as const)
  test(`the key of a leaf that a person has brought is lost (${issuer}): the advice is no roll, which newleaf refuses`, async (t) => {
    const made = await brought(t, issuer);
    const { gateway } = made;
    const { thumbprint } = (await gateway.status()).leaf ?? {};
    await gateway.stop();
    for (const type of ['privkey', 'pubkey'])
      gateway.token.ask('--delete-object', '--type', type, '--label', 'newleaf-a');
    await gateway.start();
    const { wrong } = await gateway.until((status) => status.wrong.some(({ code }) => code === 'NL-TOKEN-KEY'));
    assert.doesNotMatch(JSON.stringify(wrong), /newleaf roll/);
    await prints(gateway, ['status'], 'NL-TOKEN-KEY', ['newleaf check', ...BRINGS]);
    await prints(gateway, ['check', 'leaf-key'], 'NL-TOKEN-KEY', BRINGS);
    await signs(made, await types(gateway, 'csr'));
    const served = await gateway.settled();
    assert.notEqual(served.leaf?.thumbprint, thumbprint);
    assert.deepEqual(served.wrong, []);
  });

test('the place of the next key is not free, and a person brings the leaf: what csr prints gets it', async (t) => {
  let hsm: FaultyToken | undefined;
  const around = (at: Parameters<typeof faulty>[0]) => {
    hsm = faulty(at);
    return hsm;
  };
  const made = await brought(t, 'inbox', { around });
  const { gateway } = made;
  const csr = await types(gateway, 'csr');
  hsm?.answer('C_DestroyObject', rv('CKR_FUNCTION_FAILED'), -1);
  await signs(made, csr);
  while ((await gateway.status()).phase === 'retiring-key') await gateway.command('csr');
  await prints(gateway, ['csr'], 'NL-TOKEN-OCCUPIED', ['newleaf csr']);
  hsm?.heal();
  for (const type of ['privkey', 'pubkey'])
    gateway.token.ask('--delete-object', '--type', type, '--label', 'newleaf-a');
  await signs(made, await types(gateway, 'csr'));
  assert.deepEqual((await gateway.settled()).wrong, []);
});
