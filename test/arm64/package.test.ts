import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { site } from '../e2e/site.ts';
import { build, debian } from '../package/installed.ts';

test('the arm64 package in emulation: init, run, roll', async (t) => {
  const root = debian(t, 'arm64');
  execFileSync('dpkg-deb', ['--extract', build('deb', 'arm64'), root.directory]);
  assert.match(root.run('newleaf', 'version'), /node v24.*arm64/);

  const { gateway } = await site(t, { program: root.command('newleaf') });
  const init = await gateway.command('init');
  assert.equal(init.code, 0, init.out);
  await gateway.start();
  const before = await gateway.settled();
  const roll = await gateway.command('roll', '--wait');
  assert.equal(roll.code, 0, roll.err);
  const after = await gateway.settled();
  assert.notEqual(after.leaf?.thumbprint, before.leaf?.thumbprint);
  assert.deepEqual(gateway.token.privateKeys(), ['newleaf-b']);
  assert.equal(await gateway.stop(), 0);
});
