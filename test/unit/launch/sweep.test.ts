import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';

const SWEEP = join(import.meta.dirname, '../../../agent/launch/sweep.ts');
/** Longer than its pause, on a machine that is busy. */
const PATIENCE_MS = 5_000;

/** @returns how often all garbage of a process is collected after its heap has risen so far */
async function collections(mib: number, isSwept: boolean): Promise<number> {
  const program = `
    import { constants, PerformanceObserver } from 'node:perf_hooks';
    ${isSwept ? `(await import(${JSON.stringify(SWEEP)})).sweep();` : ''}
    const pause = (ms) => new Promise((done) => setTimeout(done, ms));
    const used = () => process.memoryUsage().heapUsed / 2 ** 20;
    // What the loader of this process has left is none of it.
    for (let turn = 0; turn < 3; turn++) {
      gc();
      await pause(50);
    }
    let met = 0;
    new PerformanceObserver((list) => {
      met += list.getEntries().filter(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR).length;
    }).observe({ entryTypes: ['gc'] });
    const before = used();
    const held = [];
    while (used() < before + ${mib}) for (let one = 0; one < 1_000; one++) held.push({ one });
    // For small collections, of which V8 tells.
    for (let one = 0; one < 2e5; one++) held[0] = { one };
    for (const until = Date.now() + ${PATIENCE_MS}; met === 0 && Date.now() < until; ) await pause(50);
    console.log(met);
  `;
  // V8 would collect as well, with a heap that begins small, and when the process rests.
  const argv = [
    '--expose-gc',
    '--no-memory-reducer',
    '--initial-heap-size=256',
    '--import',
    'tsx',
    '--input-type=module',
    '--eval',
    program,
  ];
  return Number((await promisify(execFile)(process.execPath, argv)).stdout);
}

test('garbage is collected when the heap has risen by 2 MiB, which V8 would not do', async () => {
  const [much, little, alone] = await Promise.all([collections(4, true), collections(1, true), collections(4, false)]);
  assert.deepEqual({ much, little, alone }, { much: 1, little: 0, alone: 0 });
});
