import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { renew } from '../../scripts/readme.ts';

test('the derived parts of the README are up to date (npx tsx scripts/readme.ts)', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  assert.equal(renew(readme), readme);
});
