import assert from 'node:assert/strict';
import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makePath, setMode } from '../../../agent/machine/make-path.ts';
import { scratch } from '../state/disk.ts';

test('it is made with its parents, and says whether it was missing', async (t) => {
  const path = join(scratch(t), 'a', 'b', 'c');
  assert.deepEqual([await makePath(path), await makePath(path)], [true, false]);
  assert.equal(statSync(path).mode & 0o777, 0o777 & ~process.umask());
});

test('many at once make one', async (t) => {
  const path = join(scratch(t), 'a', 'b', 'c');
  const made = await Promise.all(Array.from({ length: 20 }, () => makePath(path)));
  assert.equal(made.filter(Boolean).length, 1);
});

const WRONG: readonly (readonly [what: string, make: (directory: string) => string, code: string])[] = [
  ['a file in its place', (directory) => filed(join(directory, 'a')), 'EEXIST'],
  ['a file in the place of a parent', (directory) => join(filed(join(directory, 'a')), 'b', 'c'), 'ENOTDIR'],
  ['a link to nowhere in its place', (directory) => linked(join(directory, 'a')), 'EEXIST'],
  ['a link to nowhere in the place of a parent', (directory) => join(linked(join(directory, 'a')), 'b'), 'EEXIST'],
  ['a file system that takes no directory', () => '/proc/newleaf/a', 'ENOENT'],
];
for (const [what, make, code] of WRONG)
  test(`${what}: ${code}`, async (t) => {
    await assert.rejects(makePath(make(scratch(t))), { code });
  });

test('a mode for a new directory, and not for what a link in its place leads to', async (t) => {
  const directory = scratch(t);
  const [made, link] = [join(directory, 'made'), join(directory, 'link')];
  mkdirSync(made, { mode: 0o700 });
  symlinkSync('made', link);
  await assert.rejects(setMode(link, 0o777), { code: 'ENOTDIR' });
  assert.equal(statSync(made).mode & 0o777, 0o700);
  await setMode(made, 0o2775);
  assert.equal(statSync(made).mode & 0o7777, 0o2775);
});

function filed(path: string): string {
  writeFileSync(path, '');
  return path;
}

function linked(path: string): string {
  symlinkSync('none', path);
  return path;
}
