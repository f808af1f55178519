import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Walk, Walked } from './walk.ts';

const alone = join(import.meta.dirname, 'walk-alone.ts');

/** The nearest pairs, in which every short story is told. WHOLE=1 goes far, for an hour. */
const isWhole = process.env.WHOLE === '1';
const WALKS: readonly (readonly [name: string, walk: Walk, most: number, all: number])[] = [
  ['group', { enrollment: 'group' }, 30_000, 500_000],
  ['individual', { enrollment: 'individual' }, 30_000, 750_000],
  ['group, and a token with fates', { enrollment: 'group', isFated: true }, 20_000, 400_000],
  ['individual, and a token with fates', { enrollment: 'individual', isFated: true }, 20_000, 400_000],
  ['a key that is kept', { enrollment: 'group', keepKey: true, isFated: true }, 15_000, 200_000],
  ['a key that was given', { enrollment: 'group', isGiven: true, isFated: true }, 15_000, 200_000],
  ['the hub trusts a CA', { enrollment: 'group', isByCa: true }, 20_000, 200_000],
  [
    'the hub trusts a CA, and a token with fates',
    { enrollment: 'group', isByCa: true, isFated: true },
    20_000,
    200_000,
  ],
  ['a person brings each leaf', { enrollment: 'group', byPerson: true }, 20_000, 200_000],
];

/** Each walk gets a process, and two at a time a core. */
describe('every pair of journal and world that is reached obeys the law', { concurrency: 2 }, () => {
  for (const [name, walk, most, all] of WALKS) {
    test(name, async (t) => {
      const asked = JSON.stringify({ ...walk, most: isWhole ? all : most });
      const options = { maxBuffer: 2 ** 24 };
      const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', alone, asked], options);
      const { pairs, transitions, broken }: Walked = JSON.parse(stdout);
      t.diagnostic(`${pairs} pairs, ${transitions} transitions`);
      // Each story once, in lines that can be read: an assertion prints its message three times, with escapes.
      for (const told of broken) console.error(`\n${name}: ${told}`);
      assert.equal(broken.length, 0, 'a law is broken: its story is above');
      assert.ok(pairs >= (isWhole ? all : most), `the walk saw only ${pairs} pairs`);
    });
  }
});
