import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AZURE_STAYS } from './azure/lasting.ts';
import { excess } from './daily.ts';
import { FAULTS } from './faults.ts';
import { rowsOf } from './parts.ts';

test('no single fault that stays costs more than the bounds, and each ends within 75 minutes', async () => {
  const rows = await rowsOf(2);
  assert.equal(rows.length, FAULTS.size);
  assert.deepEqual(rows.flatMap(excess), []);
});

test('the same where Azure issues the leaves', async () => {
  const rows = await rowsOf(2, 'Azure');
  assert.equal(rows.length, AZURE_STAYS.size);
  assert.deepEqual(rows.flatMap(excess), []);
});
