import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { commandsIn } from '../unit/arrows/commands.ts';
import { provisioned } from './check/stage.ts';
import type { Ended, Gateway } from './stage/gateway.ts';
import { type Site, serving, site } from './stage/site.ts';

const HOUR_MS = 3_600_000;
const flat = ({ out, err }: Ended): string => `${out}${err}`.replaceAll(/\s+/g, ' ');

/** What a screen of newleaf prints after its arrow must have these commands, in this order. */
async function prints(gateway: Gateway, argv: readonly string[], code: string, commands: readonly string[]) {
  const [before, told = before] = flat(await gateway.command(...argv)).split('What to do');
  const text = told ?? '';
  assert.ok(text.includes(code), text);
  const [, arrow = ''] = text.slice(text.indexOf(code)).split(/→ /);
  const found = commandsIn(arrow.includes('`') ? arrow : `\`${arrow.trim()}\``);
  assert.deepEqual(found.slice(0, commands.length), commands, text);
}

/** Types a command of newleaf. @returns what it prints */
async function types(gateway: Gateway, ...argv: readonly string[]): Promise<string> {
  const { code, out, err } = await gateway.command(...argv);
  assert.equal(code, 0, `${argv.join(' ')}\n${out}${err}`);
  return out;
}

/** The CSR that was printed is signed, and the leaf installed. */
async function signs({ far, gateway }: Site, csr: string): Promise<void> {
  gateway.file('signed.pem', await far.issue(csr), 0o644);
  await types(gateway, 'install', join(gateway.directory, 'signed.pem'), '--wait');
}

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
  await signs(made, await types(gateway, 'csr'));
  assert.equal((await gateway.settled()).person, false);
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

test('the leaf has expired, and the CA gives no other', async (t) => {
  const stage = await provisioned(t, { lifetimeMs: HOUR_MS });
  const { far, gateway, setClock } = stage;
  await far.lay('est', 'est-status', { status: 403 });
  setClock(2 * 3_600, 'everybody');
  await gateway.start();
  await gateway.until(({ next, alarm }) => next?.trouble !== undefined && alarm === 'expired');
  await prints(gateway, ['status'], 'NL-LEAF-EXPIRED', ['newleaf csr', 'newleaf install FILE']);
  await far.setPolicy({ lifetimeMs: 24 * HOUR_MS });
  await signs(stage, await types(gateway, 'csr'));
  assert.equal((await gateway.settled()).alarm, undefined);
});
