import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { TYPESCRIPT } from '../../typescript.ts';

const SWEEP = join(import.meta.dirname, '../../../agent/launch/sweep.ts');
const [LATER_MS, REST_MS] = [200, 1_500];
/** Longer than its pauses, on a machine that is busy. */
const PATIENCE_MS = 4_000;

/** A process that works: how far its heap rises, and how much it throws away, in MiB. */
interface Work {
  readonly rises: number;
  readonly wastes: number;
}

/** @returns the milliseconds after its work when all garbage of a process is collected for the first time; undefined: not at all */
async function collected({ rises, wastes }: Work, isSwept: boolean): Promise<number | undefined> {
  const program = `
    import { constants, PerformanceObserver } from 'node:perf_hooks';
    ${isSwept ? `(await import(${JSON.stringify(SWEEP)})).sweep(${LATER_MS}, ${REST_MS});` : ''}
    const pause = (ms) => new Promise((done) => setTimeout(done, ms));
    const used = () => process.memoryUsage().heapUsed / 2 ** 20;
    // What the loader of this process has left is none of it.
    for (let turn = 0; turn < 3; turn++) {
      gc();
      await pause(50);
    }
    await pause(${REST_MS} + 200);
    let at;
    new PerformanceObserver((list) => {
      const isMajor = list.getEntries().some(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR);
      if (isMajor) at ??= performance.now();
    }).observe({ entryTypes: ['gc'] });
    const before = used();
    const held = [];
    while (used() < before + ${rises}) for (let one = 0; one < 1_000; one++) held.push({ one });
    // 16 bytes of an array, and 8 of its element.
    for (let one = 0; one < ${wastes} * 2 ** 20; one += 24) held[0] = [one];
    const since = performance.now();
    while (at === undefined && performance.now() < since + ${PATIENCE_MS}) await pause(20);
    console.log(at === undefined ? 'never' : at - since);
  `;
  // V8 would collect as well, with a heap that begins small, and when the process rests.
  const argv = [
    '--expose-gc',
    '--no-memory-reducer',
    '--initial-heap-size=256',
    '--max-semi-space-size=1',
    ...TYPESCRIPT,
    '--input-type=module',
    '--eval',
    program,
  ];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  return stdout.trim() === 'never' ? undefined : Number(stdout);
}

test('garbage is collected when the heap has risen by 2 MiB, and pages are given back at rest, which V8 would not do', async () => {
  const much = { rises: 4, wastes: 1 };
  const work = { rises: 0, wastes: 30 };
  const nothing = { rises: 0, wastes: 0 };
  const [risen, rested, idle, ...alone] = await Promise.all([
    collected(much, true),
    collected(work, true),
    collected(nothing, true),
    collected(much, false),
    collected(work, false),
  ]);
  assert.ok(risen !== undefined && risen < REST_MS, `after ${risen} ms`);
  assert.ok(rested !== undefined && rested >= REST_MS - LATER_MS, `after ${rested} ms`);
  assert.deepEqual([idle, ...alone], [undefined, undefined, undefined]);
});
