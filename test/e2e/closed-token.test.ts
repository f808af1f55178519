import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { site } from './stage/site.ts';

const NOBODY = '65534:65534';
const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];

test('a token that only root may read: account, path and command are told by check and by status', {
  skip: process.geteuid?.() !== 0 && 'needs root',
}, async (t) => {
  const { gateway } = await site(t, { runner: asNobody });
  const { directory } = gateway.token.hsm;
  execFileSync('chown', ['-R', NOBODY, gateway.directory, directory]);
  await gateway.start();
  await gateway.settled();
  await gateway.stop();

  const tokens = join(directory, 'tokens');
  const [name = ''] = readdirSync(tokens);
  const token = join(tokens, name);
  execFileSync('chown', ['-R', 'root:', token]);
  chmodSync(token, 0o700);
  const cure = `chown -R nobody: ${token}`;
  const plain = (text: string) => text.replaceAll(/\s+/g, ' ');
  const told = (text: string) => {
    assert.match(plain(text), /The user nobody may not read/);
    assert.ok(plain(text).includes(cure), text);
  };
  const check = await gateway.command('check', 'token-present');
  assert.equal(check.code, 1);
  told(check.out);

  await assert.rejects(gateway.start(), /TOKEN-MISSING/);
  told((await gateway.command('status')).out);

  execFileSync('sh', ['-c', cure]);
  assert.equal((await gateway.command('check', 'token-present')).code, 0);
  await gateway.start();
  await gateway.settled();
});
