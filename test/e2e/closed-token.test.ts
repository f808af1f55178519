import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, renameSync } from 'node:fs';
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
  // A long command stands in several lines, to copy.
  const plain = (text: string) => text.replaceAll(/(?: \\)?\s+/g, ' ');
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

test('the directory of the tokens is away, or closed: check and status name it, and what to do', {
  skip: process.geteuid?.() !== 0 && 'needs root',
}, async (t) => {
  const { gateway } = await site(t, { runner: asNobody });
  const { directory } = gateway.token.hsm;
  execFileSync('chown', ['-R', NOBODY, gateway.directory, directory]);
  await gateway.start();
  await gateway.settled();
  await gateway.stop();
  const tokens = join(directory, 'tokens');
  const told = async (words: string) => {
    await assert.rejects(gateway.start(), /TOKEN-FAILED/);
    for (const command of ['check', 'status'] as const) {
      const { out, err } = await gateway.command(command);
      const plain = (out + err).replaceAll(/\s+/g, ' ');
      assert.ok(plain.includes(`(CKR_GENERAL_ERROR). ${words}`), plain);
      assert.doesNotMatch(plain, /Look up/);
    }
  };
  renameSync(tokens, `${tokens}.away`);
  await told(
    `There is no ${tokens}, where SoftHSM keeps its tokens (directories.tokendir in softhsm2.conf). → Mount it,`,
  );
  renameSync(`${tokens}.away`, tokens);
  execFileSync('chown', ['root:', tokens]);
  chmodSync(tokens, 0o700);
  await told(`The user nobody may not read ${tokens}, where the tokens of SoftHSM are: root sees more there. →`);
  execFileSync('sh', ['-c', `chown -R nobody: ${tokens}`]);
  await gateway.start();
  await gateway.settled();
});
