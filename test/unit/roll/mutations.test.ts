import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { AZURE } from '../../../scripts/mutations/azure.ts';
import { BESIDE } from '../../../scripts/mutations/beside.ts';
import { EDGES } from '../../../scripts/mutations/edges.ts';
import { pathIn } from '../../../scripts/mutations/mutation.ts';
import { ONBOARDING } from '../../../scripts/mutations/onboarding.ts';
import { QUEUE } from '../../../scripts/mutations/queue.ts';
import { RULES } from '../../../scripts/mutations/rules.ts';
import { type Outcome, outcomeOf, read } from '../../../scripts/mutations/run.ts';
import { TRANSITIONS } from '../../../scripts/mutations/transitions.ts';
import { UPLINK } from '../../../scripts/mutations/uplink.ts';
import { scratch } from '../state/disk.ts';

const AGENT = join(import.meta.dirname, '..', '..', '..', 'agent');

test('each breakage of scripts/mutate.ts finds its place, once', () => {
  const lost = [...AZURE, ...BESIDE, ...EDGES, ...ONBOARDING, ...RULES, ...TRANSITIONS, ...UPLINK, ...QUEUE].filter(
    (one) => readFileSync(pathIn(AGENT, one), 'utf8').split(one.find).length !== 2,
  );
  assert.deepEqual(lost, []);
});

const failing = 'TAP version 13\n# Subtest: a\nnot ok 1 - a\n  ---\n  error: 1 !== 2\n';
/** How a process with tests ended, and what that says of them. */
const ENDS: readonly (readonly [what: string, ended: Parameters<typeof read>[0], is: Outcome['is']])[] = [
  ['a test has failed', { stdout: failing, killed: false, code: 1 }, 'failed'],
  ['the walk has thrown', { stderr: 'AssertionError: never zero usable leaves', killed: false, code: 1 }, 'failed'],
  ['its time was up', { stdout: 'TAP version 13\nok 1 - a\n', killed: true, code: null }, 'late'],
  ['a test had failed when its time was up', { stdout: failing, killed: true, code: null }, 'failed'],
  ['the system ended it', { stdout: '', killed: false, code: null }, 'failed'],
  ['it has printed too much', { stdout: '', killed: true, code: 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER' }, 'failed'],
];
for (const [what, ended, is] of ENDS) test(`${what}: ${is}`, () => assert.equal(read(ended, 'a.ts').is, is));

test('a machine that cannot be loaded proves nothing', () => {
  assert.throws(() => read({ stderr: 'SyntaxError: Unexpected token' }, 'a.ts'), /^Error: a\.ts cannot run/);
});

for (const [what, text, deadlineMs, is] of [
  ['tests that pass', '', 600_000, 'passed'],
  ['tests that fail', "throw new Error('no');", 600_000, 'failed'],
  ['tests that never end', 'setInterval(() => {}, 1e9);', 1, 'late'],
] as const)
  test(`${what}: ${is}`, async (t) => {
    const file = join(scratch(t), 'a.mjs');
    writeFileSync(file, `import { test } from 'node:test'; test('a', () => { ${text} });`);
    assert.equal((await outcomeOf(file, deadlineMs)).is, is);
  });
