import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { site } from '../e2e/stage/site.ts';
import { build, debian } from '../package/installed.ts';
import { initRunRoll } from './story.ts';

test('the arm64 package in emulation: init, run, roll', async (t) => {
  const root = debian(t, 'arm64');
  execFileSync('dpkg-deb', ['--extract', build('deb', 'arm64'), root.directory]);
  assert.match(root.run('newleaf', 'version'), /node v24.*arm64/);
  // What it may name, Node looks for inside.
  const program = root.command('env', '--unset=NODE_EXTRA_CA_CERTS', 'newleaf');
  const { gateway } = await site(t, { program });
  await initRunRoll(gateway);
});
