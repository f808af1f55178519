import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch } from '../unit/state/disk.ts';
import { Places } from './places.ts';

test('a signal handler reads and writes in the middle of calls that are counted, and nothing stands still', (t) => {
  const places = new Places();
  t.after(() => places.remove());
  const program = join(scratch(t), 'signals');
  execFileSync('gcc', ['-O1', '-Wall', '-o', program, join(import.meta.dirname, 'signals.c')]);
  const [command = '', ...options] = places.runner;
  // A quarter of a second on a quiet machine.
  const { status, signal } = spawnSync(command, [...options, program], { timeout: 60_000, killSignal: 'SIGKILL' });
  assert.deepEqual({ status, signal }, { status: 0, signal: null });
});
