import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { breakagesOf } from '../../scripts/mutations/operators.ts';
import { Reach } from '../../scripts/mutations/reach.ts';
import { type Ended, Report } from '../../scripts/mutations/report.ts';
import { rows } from '../../scripts/mutations/row.ts';
import { changed, placesOf, Sources } from '../../scripts/mutations/sources.ts';
import { scratch } from './state/disk.ts';

const ROOT = join(import.meta.dirname, '..', '..');

describe('the rows of scripts/mutations/rows.txt', () => {
  const sources = new Sources(ROOT);
  after(() => sources[Symbol.dispose]());

  test('each is read', () => {
    const text = readFileSync(join(ROOT, 'scripts/mutations/rows.txt'), 'utf8');
    assert.equal(rows(text).length, text.split('\n').filter((line) => /^(agent|hsm)\//.test(line)).length);
  });

  for (const { file, name, loss, from, to } of rows())
    test(`${file} ${name}: ${loss}`, () => {
      const [place, ...others] = placesOf(sources.tree(file), name, from);
      assert.deepEqual(others, []);
      assert.ok(place, `${name} has no such place`);
      const broken = changed(sources.tree(file).getFullText(), { ...place, text: to });
      assert.ok(!sources.refuses(file, broken), 'the compiler refuses it');
    });
});

/** What the operators make of a function. */
const MADE: readonly (readonly [source: string, made: readonly string[]])[] = [
  ['if (a) b = 1;', ['if (!(a)) b = 1;', 'if (a) ;', 'if (a) b = 2;']],
  ['while (a > b) a--;', ['while (!(a > b)) a--;', 'while (a >= b) a--;']],
  ['if (a === b) return;', ['if (a !== b) return;']],
  ['return a && !b;', ['return a;', 'return !b;']],
  ['return a ? b : c;', ['return !(a) ? b : c;', 'return (b);', 'return (c);']],
  ['return [a, ...b];', ['return [...b];', 'return [a];']],
  ['return [a,];', ['return [];']],
  ['return { a, ...b, c };', ['return { ...b, c };', 'return { a, c };', 'return { a, ...b };']],
  ['return 99;', ['return 100;']],
  ['return 1_000;', ['return 2000;']],
  ['await a();', [';', 'a();']],
  ['if (a) b();', ['if (!(a)) b();', 'if (a) ;']],
  ['return f(a - b, c);', ['return f(c);', 'return f(a - b);', 'return f(a, c);', 'return f(b, c);']],
  // No place: types, words, and what the log is told.
  ['const d: [1, 2] = e; log.info({ a, b });', []],
  ["return [{ message: 'a' }, { message }];", ['return [{ message }];', "return [{ message: 'a' }];"]],
];

test('what the operators make of a source', async (t) => {
  const root = scratch(t);
  mkdirSync(join(root, 'agent'));
  const whole = (body: string) => `async function g() { ${body} }`;
  for (const [i, [source]] of MADE.entries()) writeFileSync(join(root, `agent/${i}.ts`), whole(source));
  writeFileSync(join(root, 'tsconfig.json'), '{}');
  using sources = new Sources(root);
  for (const [i, [source, made]] of MADE.entries())
    await t.test(source, () => {
      const places = breakagesOf(sources.tree(`agent/${i}.ts`));
      assert.deepEqual(
        places.map((place) => changed(whole(source), place)),
        made.map(whole),
      );
      for (const { name, line } of places) assert.deepEqual([name, line], ['g', 1]);
    });
});

test('a place of a row is found however it is broken into lines, and in its function only', (t) => {
  const root = scratch(t);
  mkdirSync(join(root, 'agent'));
  const text = 'function a() {\n  return f({\n    b,\n    c,\n  });\n}\nconst d = () => f({ b, c });\n';
  writeFileSync(join(root, 'agent/a.ts'), text);
  writeFileSync(join(root, 'tsconfig.json'), '{}');
  using sources = new Sources(root);
  const tree = sources.tree('agent/a.ts');
  const found = (name: string) => placesOf(tree, name, 'f({ b, c })').map(({ start, end }) => text.slice(start, end));
  assert.deepEqual(found('a'), ['f({\n    b,\n    c,\n  })']);
  assert.deepEqual(found('d'), ['f({ b, c })']);
  assert.deepEqual(found('e'), []);
});

test('the nearest tests are those that have the name of the file, then those of its folder', () => {
  const reach = new Reach(ROOT);
  assert.equal(reach.testsOf('agent/roll/terms.ts')[0], 'test/unit/roll/terms.test.ts');
  const tests = reach.testsOf('agent/uplink/queue/reader.ts').slice(0, 5);
  assert.deepEqual(
    tests.filter((file) => !file.startsWith('test/unit/uplink/queue/')),
    [],
  );
});

const OK = ['# Subtest: test/a.test.ts', '    ok 1 - one', 'ok 1 - test/a.test.ts'];
/** What a process with tests has said, its exit code (`late`: its time was up), and what that says of them. */
const ENDS: readonly (readonly [
  what: string,
  lines: readonly string[],
  code: number | 'late',
  is: Ended['is'],
  test?: string,
])[] = [
  ['all pass', OK, 0, 'passed'],
  ['the second file fails', [...OK, '# Subtest: test/b.test.ts', '    not ok 1 - two'], 1, 'failed', 'test/b.test.ts'],
  ['its time was up', [...OK, '# Subtest: test/b.test.ts'], 'late', 'late', 'test/b.test.ts'],
  ['a test had failed when its time was up', ['    not ok 1 - two'], 'late', 'failed', 'test/first.test.ts'],
  ['it ends before it names a test', [], 1, 'failed', 'test/first.test.ts'],
];
for (const [what, lines, code, is, file] of ENDS)
  test(`${what}: ${is}`, () => {
    const report = new Report('test/first.test.ts');
    for (const line of lines) report.read(line);
    if (code === 'late') report.late();
    const ended = report.ended(code === 'late' ? null : code);
    assert.deepEqual([ended.is, 'test' in ended ? ended.test : undefined], [is, file]);
  });
