import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { prints, signs, types } from './arrow.ts';
import { type Site, serving, site } from './stage/site.ts';

/** A gateway whose leaf a person brings, without one. */
async function waiting(t: TestContext): Promise<Site> {
  const made = await site(t, { settings: { 'leaf.issuer': '"inbox"' } });
  await made.gateway.start();
  await made.gateway.until(({ person }) => person);
  return made;
}

test('a person is to bring the leaf', async (t) => {
  const made = await waiting(t);
  const { gateway } = made;
  await prints(gateway, ['status'], 'NL-ISSUER-PERSON', ['newleaf csr', 'newleaf install FILE']);
  await prints(gateway, ['csr', '-o', '/proc/none/gw.csr'], 'cannot be written', ['newleaf csr -o FILE']);
  const file = join(gateway.directory, 'gw.csr');
  await types(gateway, 'csr', '-o', file);
  await signs(made, readFileSync(file, 'utf8'));
  assert.equal((await gateway.settled()).person, false);
});

test('the budget of the hub is used up', async (t) => {
  const { far, gateway } = await serving(t);
  const called = async () => (await far.callMethod(gateway.registrationId, 'reprovision')).status;
  while ((await called()) !== 429) await gateway.settled();
  const { payload } = await far.callMethod(gateway.registrationId, 'reprovision');
  assert.match(JSON.stringify(payload), /NL-BUDGET/);
  await types(gateway, 'reprovision', '--wait');
});

test('a leaf for which there is no CSR', async (t) => {
  const made = await waiting(t);
  const { gateway } = made;
  await signs(made, await types(gateway, 'csr'));
  await gateway.settled();
  const again = ['install', join(gateway.directory, 'signed.pem')];
  await prints(gateway, again, 'NL-LEAF-KEY', ['newleaf csr']);
  const { thumbprint } = (await gateway.status()).leaf ?? {};
  await signs(made, await types(gateway, 'csr'));
  assert.notEqual((await gateway.settled()).leaf?.thumbprint, thumbprint);
  await types(gateway, 'csr');
  await prints(gateway, again, 'NL-LEAF-KEY', ['newleaf csr']);
  await signs(made, await types(gateway, 'csr'));
});

test('the key of the CSR is lost', async (t) => {
  const made = await waiting(t);
  const { gateway } = made;
  await types(gateway, 'csr');
  await gateway.stop();
  for (const type of ['privkey', 'pubkey'])
    gateway.token.ask('--delete-object', '--type', type, '--label', 'newleaf-a');
  await gateway.start();
  await prints(gateway, ['csr'], 'NL-TOKEN-KEY', ['newleaf csr --new-key']);
  await signs(made, await types(gateway, 'csr', '--new-key'));
  await gateway.settled();
});

test('leaf.key_type is changed while a person has the CSR', async (t) => {
  const made = await waiting(t);
  const { gateway } = made;
  await types(gateway, 'csr');
  await gateway.stop();
  gateway.configure([readFileSync(gateway.configuration, 'utf8'), 'leaf.key_type = "rsa-2048"']);
  await gateway.start();
  await prints(gateway, ['csr'], 'NL-', ['newleaf csr --new-key']);
  await signs(made, await types(gateway, 'csr', '--new-key'));
});

test('the next leaf waits for its enrollment, and another one is wanted', async (t) => {
  const { far, gateway } = await serving(t);
  await far.setStatus('gateways', 'disabled');
  await gateway.command('roll', '--wait');
  await gateway.until(({ next }) => next?.standing === 'parked');
  const parked = (await gateway.status()).next?.leaf?.thumbprint;
  await prints(gateway, ['csr'], 'NL-BUSY', ['newleaf roll --discard']);
  await prints(gateway, ['status'], 'NL-DPS-DISABLED', ['newleaf reprovision']);
  await gateway.command('roll', '--discard', '--wait');
  await gateway.until(({ next }) => next?.standing === 'parked' && next.leaf?.thumbprint !== parked);
  await far.setStatus('gateways', 'enabled');
  await types(gateway, 'reprovision', '--wait');
  assert.equal((await gateway.settled()).next, undefined);
});
