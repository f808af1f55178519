import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { TYPESCRIPT } from '../typescript.ts';
import type { Walk, Walked } from './walk.ts';

const alone = join(import.meta.dirname, 'alone.ts');

/**
 * How many pairs of each are left in each way, and played with each fault that stays; some twenty times as many are met.
 * WALK=wide: in some minutes; WALK=whole: in an hour.
 */
const MOST: Readonly<Record<string, number>> = { near: 60, wide: 3_000, whole: 30_000 };
const HOW = process.env.WALK ?? 'near';
const WALKS: readonly (readonly [name: string, walk: Walk])[] = [
  ['group', { enrollment: 'group' }],
  ['individual', { enrollment: 'individual' }],
  ['group, and a token with fates', { enrollment: 'group', isFated: true }],
  ['individual, and a token with fates', { enrollment: 'individual', isFated: true }],
  ['a key that is kept', { enrollment: 'group', keepKey: true, isFated: true }],
  ['a key that was given', { enrollment: 'group', isGiven: true, isFated: true }],
  ['the hub trusts a CA', { enrollment: 'group', isByCa: true }],
  ['the hub trusts a CA, and a token with fates', { enrollment: 'group', isByCa: true, isFated: true }],
  ['a person brings each leaf', { enrollment: 'group', byPerson: true }],
];

/** Each walk gets a process, and two at a time a core. */
describe('every pair of memory and world that is reached obeys the law', { concurrency: 2 }, () => {
  for (const [name, walk] of WALKS) {
    test(name, async (t) => {
      const most = MOST[HOW] ?? Number.NaN;
      const asked = JSON.stringify({ ...walk, most });
      const options = { maxBuffer: 2 ** 24 };
      const { stdout } = await promisify(execFile)(process.execPath, [...TYPESCRIPT, alone, asked], options);
      const { pairs, met, transitions, broken }: Walked = JSON.parse(stdout);
      t.diagnostic(`${pairs} pairs, ${met} met, ${transitions} transitions`);
      // Each story once, in lines that can be read: an assertion prints its message three times, with escapes.
      for (const told of broken) console.error(`\n${name}: ${told}`);
      assert.equal(broken.length, 0, 'a law is broken: its story is above');
      assert.ok(pairs >= most, `the walk saw only ${pairs} pairs`);
    });
  }
});
