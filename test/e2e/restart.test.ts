import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { site } from './stage/site.ts';

test('a daemon whose token is away tries it once in 30 seconds, and at once when a person starts it', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-run-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const statuses = join(directory, 'statuses');
  writeFileSync(join(directory, 'systemd-notify'), `#!/bin/sh\necho "$@" >>${statuses}\n`, { mode: 0o755 });
  const path = `PATH=${directory}:${process.env.PATH}`;
  const runner = ['env', path, 'NOTIFY_SOCKET=/nowhere', `RUNTIME_DIRECTORY=${directory}`, 'INVOCATION_ID=1'];
  const { gateway } = await site(t, { runner, settings: { 'hsm.token': '"unplugged"' } });
  const tried = async () => {
    const ended = await gateway.command('run');
    assert.equal(ended.code, 1, `${ended.out}${ended.err}`);
    assert.match(ended.out, /NL-TOKEN-MISSING/);
    assert.doesNotMatch(ended.out, /resting/);
  };
  await tried();

  const again = gateway.start();
  const { message } = await gateway.log.waitFor({ event: 'resting' });
  // However long the machine took to end the one and to start the other.
  assert.match(String(message), /leaves the token alone for ([12]\d|30) seconds\.$/);
  assert.equal(await gateway.stop(), 0);
  assert.match(readFileSync(statuses, 'utf8'), /NL-TOKEN-MISSING .* leaves the token alone for \d+ seconds\.$/m);
  await assert.rejects(again, /ended with 0/);
  assert.deepEqual(gateway.log.matching({ event: 'ended' }), [], 'the token was not asked');

  await tried();
});

test('one that no restart can help leaves nothing to wait for', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'newleaf-run-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const { gateway } = await site(t, {
    runner: ['env', `RUNTIME_DIRECTORY=${directory}`, 'INVOCATION_ID=1'],
    // On a slow disk, too, it ends with the code that systemd does not restart on.
    nodeOptions: ['--require', join(import.meta.dirname, 'stage', 'preload-slow-rm.cjs')],
  });
  mkdirSync(join(gateway.stateDirectory, 'state.json'), { recursive: true });
  for (const _ of ['first', 'second']) {
    const ended = await gateway.command('run');
    assert.equal(ended.code, 4, `${ended.out}${ended.err}`);
    assert.doesNotMatch(ended.out, /resting/);
  }
});
