import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TYPESCRIPT } from '../typescript.ts';
import { scratch } from './state/disk.ts';

const ROOT = join(import.meta.dirname, '../..');
const HEAD = `import { after, before, describe, test } from 'node:test';
import { setEnvironment, withEnvironment, withUmask } from '${ROOT}/test/put-back.ts';
`;

const LEAVES = `test('is well', () => {});
test('leaves', () => { process.umask(0o071); process.chdir('/'); process.env.LEFT = 'x'; delete process.env.HOME; });
test('comes after it', () => {});
`;
const LEAVES_WHEN_LOADED = "process.env.LOADED = 'x'; test('never runs', () => {});";
const PUTS_BACK = `withEnvironment({ OF_FILE: 'x' });
describe('a suite', () => {
  let putBack;
  before(() => { putBack = setEnvironment({ OF_SUITE: 'x' }); });
  test('in it', () => process.stderr.write('[' + process.env.OF_FILE + process.env.OF_SUITE + ']'));
  after(() => putBack());
});
test('fails', (t) => {
  withUmask(0o071, t);
  withEnvironment({ OF_TEST: 'x', HOME: undefined }, t);
  throw new Error('on purpose');
});
`;
const SEES = `test('sees', () => process.stderr.write('<' + process.umask().toString(8) + process.env.LEFT + process.env.HOME + '>'));`;

/** @param sources of test files, by name */
function run(t: TestContext, sources: Readonly<Record<string, string>>, ...node: readonly string[]) {
  const directory = scratch(t);
  const files = Object.entries(sources).map(([name, source]) => {
    const path = join(directory, `${name}.test.ts`);
    writeFileSync(path, HEAD + source);
    return path;
  });
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const options = { cwd: ROOT, env: { ...env, HOME: '/home' }, encoding: 'utf8' } as const;
  const argv = [...TYPESCRIPT, '--test-reporter=tap', ...node, ...files];
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'umask 022; exec "$@"', 'sh', process.execPath, ...argv],
    options,
  );
  const told = stdout + stderr;
  const left = [...told.matchAll(/(\w+)\.test\.ts has changed, and not put back: (.*?)'?$/gm)].map(([, ...by]) => by);
  return { status, told, left };
}

test('files that share a process: one that leaves it changed fails, and the next one is not harmed', (t) => {
  const { status, told, left } = run(t, { leaves: LEAVES, loaded: LEAVES_WHEN_LOADED, sees: SEES }, 'test/together.ts');
  assert.equal(status, 1, told);
  const by = ['umask', 'working directory', 'variable HOME', 'variable LEFT'].map((what) => `${what}, since "leaves"`);
  assert.deepEqual(left, [
    ['leaves', by.join('; ')],
    ['loaded', 'variable LOADED, since "the file was loaded"'],
  ]);
  assert.match(told, /<22undefined\/home>/);
});

test('what is put back is put back after a test that fails, too', (t) => {
  const { status, told, left } = run(t, { back: PUTS_BACK, sees: SEES }, 'test/together.ts');
  assert.equal(status, 1, told);
  assert.deepEqual(left, []);
  assert.match(told, /^# fail 1$/m);
  assert.match(told, /\[xx\][\s\S]*<22undefined\/home>/);
});

test('a file that has a process to itself', (t) => {
  const clean = ['--import', './test/clean.ts', '--test'];
  const { status, told, left } = run(t, { leaves: LEAVES, sees: SEES }, ...clean);
  assert.equal(status, 1, told);
  assert.deepEqual(
    left.map(([file]) => file),
    ['leaves'],
    told,
  );
  assert.equal(run(t, { sees: SEES }, ...clean).status, 0);
});
