import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ADR_FAULTS } from '../../../simulator/adr/faults.ts';
import { ADR_SWITCHES } from '../../../simulator/adr/switches.ts';

const tests = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
  .join('\n');

test('each switch and each fault of leaves that Azure issues is in a test of this folder', () => {
  const names = [...Object.keys(ADR_SWITCHES), ...Object.keys(ADR_FAULTS)];
  assert.deepEqual(
    names.filter((name) => !tests.includes(name)),
    [],
  );
});
