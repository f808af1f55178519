import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Enrollment, Walked } from './walk.ts';

const alone = join(import.meta.dirname, 'walk-alone.ts');

/** The two walks have no pair in common: each gets a core. */
describe('every reachable pair of journal and world obeys the law', { concurrency: true }, () => {
  const least: Record<Enrollment, number> = { group: 60_000, individual: 90_000 };
  for (const [enrollment, expected] of Object.entries(least)) {
    test(enrollment, async (t) => {
      const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', alone, enrollment]);
      const { pairs, transitions }: Walked = JSON.parse(stdout);
      t.diagnostic(`${pairs} pairs, ${transitions} transitions`);
      assert.ok(pairs > expected, `the walk saw only ${pairs} pairs`);
    });
  }
});
