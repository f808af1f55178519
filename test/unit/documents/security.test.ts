import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT, readPage } from '../../../scripts/pages/blocks.ts';
import { linksIn } from '../../../scripts/pages/packaged.ts';

const PAGE = '.github/SECURITY.md';
const text = readPage(PAGE);
const testsIn = (part: string): readonly string[] =>
  linksIn(PAGE, part)
    .map(({ path }) => path)
    .filter((path) => path.startsWith('test/'));

/** Rows of the threat model: who, what they can, what they cannot. */
const rows = (text.split('## Who attacks')[1]?.split('\n## ')[0] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| '))
  .slice(1);

test('each test that the threat model names is there, and is a test', () => {
  const named = testsIn(text);
  assert.ok(named.length > 40, `${named.length}`);
  const wrong = named.filter(
    (path) => !existsSync(join(ROOT, path)) || !/\b(test|matrix)\(/.test(readFileSync(join(ROOT, path), 'utf8')),
  );
  assert.deepEqual(wrong, []);
});

test('of each attacker it says what shows that they cannot', () => {
  assert.ok(rows.length >= 13, `${rows.length}`);
  assert.deepEqual(
    rows.filter((row) => testsIn(row.split(' | ')[2] ?? '').length === 0),
    [],
  );
});
