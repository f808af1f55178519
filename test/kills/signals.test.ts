import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch } from '../unit/state/disk.ts';
import { Places } from './places.ts';

// A quarter of a second each, on a quiet machine.
for (const work of ['write', 'load'])
  test(`a signal handler reads and writes in the middle of: ${work}`, (t) => {
    const places = new Places();
    t.after(() => places.remove());
    const program = join(scratch(t), 'signals');
    execFileSync('gcc', ['-O1', '-Wall', '-o', program, join(import.meta.dirname, 'signals.c')]);
    const [command = '', ...options] = places.runner;
    const run = { timeout: 60_000, killSignal: 'SIGKILL' } as const;
    const { status, signal } = spawnSync(command, [...options, program, work], run);
    assert.deepEqual({ status, signal }, { status: 0, signal: null });
  });
