import assert from 'node:assert/strict';
import { test } from 'node:test';
import { walk } from './walk.ts';

test('every reachable pair of journal and world obeys the law', (t) => {
  const { pairs, transitions } = walk();
  t.diagnostic(`${pairs} pairs, ${transitions} transitions`);
  assert.ok(pairs > 100_000, `the walk saw only ${pairs} pairs`);
});
