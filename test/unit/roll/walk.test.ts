import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadMachine } from './machine.ts';
import { walk } from './walk.ts';

test('every reachable pair of journal and world obeys the law', async (t) => {
  const { pairs, transitions } = walk(await loadMachine());
  t.diagnostic(`${pairs} pairs, ${transitions} transitions`);
  assert.ok(pairs > 10_000, `the walk saw only ${pairs} pairs`);
});
