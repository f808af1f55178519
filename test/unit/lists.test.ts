import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const root = resolve(import.meta.dirname, '..');
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.test.ts'));

/** Folders of `scripts/test` whose tests any machine can run, but for those that are named *.deep.test.ts. */
const SHALLOW = ['unit', 'walk', 'search', 'rows', 'contract', 'e2e'];
/** Folders of the other list, and of stages that are run by name only. */
const DEEP = [
  'contract/modules',
  'e2e/link',
  'e2e/lasting',
  'field',
  'fleet',
  'kept',
  'hangs',
  'kills',
  'package',
  'release',
  'arm64',
  'container',
  'system',
  'bench',
  'browser',
  'matrix',
  'limbo',
  'microsoft',
  'nonsense',
  'soak',
];

const isBelow = (path: string, folders: readonly string[]): boolean =>
  folders.some((folder) => path.startsWith(`${folder}/`));

const APART = /'(unshare|nsenter|mount|umount|nft)'/;
const IMPORT = /(?:from|import\() ?'(\.[^']+)'/g;

/** What it needs that a plain container has not: a namespace, a mount. */
function needs(path: string, seen = new Set<string>()): boolean {
  if (seen.has(path) || relative(root, path).startsWith('..') || !existsSync(path)) return false;
  seen.add(path);
  const text = readFileSync(path, 'utf8');
  if (APART.test(text)) return true;
  return [...text.matchAll(IMPORT)].some(([, name = '']) => needs(resolve(dirname(path), name), seen));
}

test('each test is below a folder of a list', () => {
  assert.deepEqual(
    files.filter((path) => !isBelow(path, [...SHALLOW, ...DEEP])),
    [],
  );
});

test('what needs a namespace or a mount is named *.deep.test.ts, and nothing else is', () => {
  const plain = files.filter((path) => isBelow(path, SHALLOW) && !isBelow(path, DEEP));
  const [deep, shallow] = [true, false].map((is) => plain.filter((path) => path.endsWith('.deep.test.ts') === is));
  assert.deepEqual(
    shallow?.filter((path) => path !== 'unit/lists.test.ts' && needs(join(root, path))),
    [],
  );
  assert.deepEqual(
    deep?.filter((path) => !needs(join(root, path))),
    [],
  );
});

test('the page of the tests has each stage with its list', () => {
  const runner = readFileSync(join(root, '..', 'scripts', 'test'), 'utf8');
  const listed = (array: string) =>
    (new RegExp(`^${array}=\\(([^)]*)\\)`, 'm').exec(runner)?.[1] ?? '').split(/[\s+]+/).filter((name) => name !== '');
  const lists = { first: listed('shallow'), deep: listed('deep'), all: listed('more') };
  const listOf = (stage: string) =>
    Object.entries(lists).find(([, stages]) => stages.includes(stage))?.[0] ?? 'by name';
  const defined = readFileSync(join(root, 'stages.sh'), 'utf8').matchAll(/^stage_([\w-]+)\(/gm);
  const rows = readFileSync(join(root, 'README.md'), 'utf8').matchAll(
    /^\| `([\w-]+)` \| (first|deep|all|by name) \|/gm,
  );
  assert.deepEqual(
    Array.from(rows, ([, stage, list]) => `${stage}: ${list}`).toSorted(),
    Array.from(defined, ([, stage = '']) => `${stage}: ${listOf(stage)}`).toSorted(),
  );
});
