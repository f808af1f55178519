import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BESIDE } from '../../../scripts/mutations/beside.ts';
import { RULES } from '../../../scripts/mutations/rules.ts';
import { TRANSITIONS } from '../../../scripts/mutations/transitions.ts';

const MACHINE = join(import.meta.dirname, '..', '..', '..', 'agent', 'roll');

test('each breakage of scripts/mutate.ts finds its place in the machine, once', () => {
  const lost = [...BESIDE, ...RULES, ...TRANSITIONS].filter(
    ({ file, find }) => readFileSync(join(MACHINE, file), 'utf8').split(find).length !== 2,
  );
  assert.deepEqual(lost, []);
});
