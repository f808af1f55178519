import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { site } from './stage/site.ts';

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
