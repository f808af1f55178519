import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { type CutLogin, cutLogin, filesOfToken } from '../contract/faulty/cut-login.ts';
import { faulty } from '../contract/faulty/faulty.ts';
import type { TestToken } from '../contract/token/softhsm.ts';
import type { GatewayOptions } from './stage/gateway.ts';
import { holds } from './stage/holds.ts';
import { cut, PATIENCE_MS, site } from './stage/site.ts';

/** A gateway whose next login, in whatever process, can be cut. */
async function staged(t: TestContext, options: GatewayOptions = {}) {
  let login: CutLogin | undefined;
  const around = (at: TestToken): TestToken => {
    const hsm = options.around?.(at) ?? at;
    login = cutLogin(hsm.directory);
    return { ...hsm, environment: { ...hsm.environment, ...login.environment } };
  };
  const { far, gateway } = await site(t, { ...options, around });
  return { far, gateway, lay: () => login?.lay(), files: filesOfToken(gateway.token.hsm.directory) };
}

test('a command and a child of the daemon are killed in their logins: daemon, roll and the next command go on', async (t) => {
  const { gateway, lay, files } = await staged(t);
  await gateway.start();
  await gateway.settled();
  // The process that stores the certificate logs in, too.
  await gateway.log.waitFor({ event: 'certificate-stored' }, { timeoutMs: PATIENCE_MS });
  lay();
  assert.equal((await gateway.command('check', 'pin')).code, 1);
  assert.equal(files.size(), 0);
  assert.equal((await gateway.command('check')).code, 0);

  lay();
  // The daemon has logged in already: it is the process that makes the next key which meets the cut.
  await gateway.post('/v1/roll', { id: 'asked' });
  await gateway.log.waitFor({ event: 'failed', code: 'NL-TOKEN-FAILED' }, { timeoutMs: PATIENCE_MS });
  holds(await gateway.settled(), { last: { id: 'asked', outcome: 'done' }, leaf: { slot: 'b' } });
  assert.deepEqual(gateway.token.privateKeys(), ['newleaf-b']);
});

test('stunnel is killed in its login: the daemon comes back to the hub without a restart', async (t) => {
  // pkcs11-provider 1.0 loads its module with RTLD_DEEPBIND, which passes by what is preloaded: not so with a module between them.
  const { far, gateway, lay, files } = await staged(t, { settings: { 'hsm.tls': '"helper"' }, around: faulty });
  await gateway.start();
  await gateway.settled();
  const { pid } = gateway;
  const since = far.log.entries.length;
  lay();
  await cut(far);
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
  await gateway.settled();
  assert.ok(!existsSync(`${gateway.token.hsm.directory}/cut-login`), 'it met the cut');
  assert.notEqual(files.size(), 0);
  assert.equal(gateway.pid, pid);
});
