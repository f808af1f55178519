import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Walk, Walked } from './walk.ts';

const alone = join(import.meta.dirname, 'walk-alone.ts');

/** The nearest pairs, in which every short story is told. All of them, some 1,400,000, take ten minutes: WHOLE=1. */
const isWhole = process.env.WHOLE === '1';
const WALKS: readonly (readonly [name: string, walk: Walk, most: number, all: number])[] = [
  ['group', { enrollment: 'group' }, 90_000, 500_000],
  ['individual', { enrollment: 'individual' }, 90_000, 750_000],
  ['group, leaves expire and keys are lost', { enrollment: 'group', isFated: true }, 30_000, 200_000],
  ['individual, leaves expire and keys are lost', { enrollment: 'individual', isFated: true }, 30_000, 200_000],
];

/** Each walk gets a process, and two at a time a core. */
describe('every pair of journal and world that is reached obeys the law', { concurrency: 2 }, () => {
  for (const [name, walk, most, all] of WALKS) {
    const bounded = isWhole && walk.isFated !== true ? walk : { ...walk, most: isWhole ? all : most };
    test(name, async (t) => {
      const asked = JSON.stringify(bounded);
      const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', alone, asked]);
      const { pairs, transitions }: Walked = JSON.parse(stdout);
      t.diagnostic(`${pairs} pairs, ${transitions} transitions`);
      assert.ok(pairs >= (isWhole ? all : most), `the walk saw only ${pairs} pairs`);
    });
  }
});
