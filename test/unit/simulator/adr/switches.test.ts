import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ADR_FAULTS } from '../../../simulator/adr/faults.ts';
import { ADR_SWITCHES } from '../../../simulator/adr/switches.ts';

/** Those of this folder, and of the operator's tool, which alone sees the registry. */
const folders = [import.meta.dirname, join(import.meta.dirname, '..', '..', 'enroll')];
const tests = folders
  .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
  .filter((path) => path.endsWith('.test.ts'))
  .map((path) => readFileSync(path, 'utf8'))
  .join('\n');

test('each switch and each fault of leaves that Azure issues is in a test', () => {
  const names = [...Object.keys(ADR_SWITCHES), ...Object.keys(ADR_FAULTS)];
  assert.deepEqual(
    names.filter((name) => !tests.includes(name)),
    [],
  );
});
