import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { TYPESCRIPT } from '../../typescript.ts';
import type { Walk, Walked } from './walk.ts';

const alone = join(import.meta.dirname, 'walk-alone.ts');

/**
 * How many pairs of each: the nearest, in which every short story is told, and which judge each breakage of scripts/mutate.ts;
 * WALK=wide, in two minutes; WALK=whole, in a quarter of an hour.
 */
const NEAR = 2_000;
const HOW = process.env.WALK ?? 'near';
const WALKS: readonly (readonly [name: string, walk: Walk, wide: number, whole: number])[] = [
  ['group', { enrollment: 'group' }, 20_000, 250_000],
  ['individual', { enrollment: 'individual' }, 20_000, 350_000],
  ['group, and a token with fates', { enrollment: 'group', isFated: true }, 12_000, 200_000],
  ['individual, and a token with fates', { enrollment: 'individual', isFated: true }, 12_000, 200_000],
  ['a key that is kept', { enrollment: 'group', keepKey: true, isFated: true }, 10_000, 100_000],
  ['a key that was given', { enrollment: 'group', isGiven: true, isFated: true }, 10_000, 100_000],
  ['the hub trusts a CA', { enrollment: 'group', isByCa: true }, 12_000, 100_000],
  [
    'the hub trusts a CA, and a token with fates',
    { enrollment: 'group', isByCa: true, isFated: true },
    12_000,
    100_000,
  ],
  ['a person brings each leaf', { enrollment: 'group', byPerson: true }, 12_000, 100_000],
];

/** Each walk gets a process, and two at a time a core. */
describe('every pair of journal and world that is reached obeys the law', { concurrency: 2 }, () => {
  for (const [name, walk, wide, whole] of WALKS) {
    test(name, async (t) => {
      const most = { near: NEAR, wide, whole }[HOW] ?? Number.NaN;
      const asked = JSON.stringify({ ...walk, most });
      const options = { maxBuffer: 2 ** 24 };
      const { stdout } = await promisify(execFile)(process.execPath, [...TYPESCRIPT, alone, asked], options);
      const { pairs, transitions, broken }: Walked = JSON.parse(stdout);
      t.diagnostic(`${pairs} pairs, ${transitions} transitions`);
      // Each story once, in lines that can be read: an assertion prints its message three times, with escapes.
      for (const told of broken) console.error(`\n${name}: ${told}`);
      assert.equal(broken.length, 0, 'a law is broken: its story is above');
      assert.ok(pairs >= most, `the walk saw only ${pairs} pairs`);
    });
  }
});
