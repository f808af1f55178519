import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BESIDE } from '../../../scripts/mutations/beside.ts';
import { pathIn } from '../../../scripts/mutations/mutation.ts';
import { QUEUE } from '../../../scripts/mutations/queue.ts';
import { RULES } from '../../../scripts/mutations/rules.ts';
import { TRANSITIONS } from '../../../scripts/mutations/transitions.ts';
import { UPLINK } from '../../../scripts/mutations/uplink.ts';

const AGENT = join(import.meta.dirname, '..', '..', '..', 'agent');

test('each breakage of scripts/mutate.ts finds its place, once', () => {
  const lost = [...BESIDE, ...RULES, ...TRANSITIONS, ...UPLINK, ...QUEUE].filter(
    (one) => readFileSync(pathIn(AGENT, one), 'utf8').split(one.find).length !== 2,
  );
  assert.deepEqual(lost, []);
});
