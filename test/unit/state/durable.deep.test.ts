import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertWritable, writeAtomically } from '../../../agent/state/durable.ts';
import { fault } from './disk.ts';
import { tinyDisk } from './tiny-disk.ts';

test('a full disk leaves the old text and no litter, and space brings the next one', async (t) => {
  const disk = tinyDisk(t);
  const path = join(disk.path, 'leaf.pem');
  await writeAtomically(path, 'old', 0o600);
  await assert.rejects(
    writeAtomically(path, 'x'.repeat(80_000), 0o600),
    fault('NL-STATE-WRITE', /leaf\.pem cannot be written: no space is left/),
  );
  assert.equal(readFileSync(path, 'utf8'), 'old');
  assert.deepEqual(readdirSync(disk.path), ['leaf.pem']);
  await writeAtomically(path, 'new', 0o600);
  assert.equal(readFileSync(path, 'utf8'), 'new');
});

for (const [options, words] of [
  ['nr_inodes=1', /no space is left/],
  ['ro', /the file system is read-only/],
] as const)
  test(`a missing directory on a disk with ${options} is named by its cause`, async (t) => {
    const disk = tinyDisk(t, options);
    const write = writeAtomically(join(disk.path, 'lib', 'newleaf', 'leaf.pem'), 'x', 0o600);
    await assert.rejects(write, fault('NL-STATE-WRITE', words));
  });

test('a file system that became read-only, and a directory that is gone, are found out without a write', async (t) => {
  const disk = tinyDisk(t, 'size=128k');
  const file = join(disk.path, 'state.json');
  await assertWritable(file);
  assert.deepEqual(readdirSync(disk.path), []);
  disk.makeReadOnly();
  await assert.rejects(
    assertWritable(file),
    fault('NL-STATE-WRITE', /state\.json cannot be written: the file system is read-only/, /mount it for writing/),
  );
  await assert.rejects(assertWritable(join(disk.path, 'gone', 'state.json')), fault('NL-STATE-WRITE', /ENOENT/));
});

for (const [options, filling] of [
  ['size=128k', 'x'.repeat(100_000)],
  ['nr_inodes=5', ''],
] as const)
  test(`a disk with ${options} that others fill is found out without a write`, async (t) => {
    const disk = tinyDisk(t, options);
    const file = join(disk.path, 'state.json');
    await assertWritable(file);
    await writeAtomically(join(disk.path, 'other'), filling, 0o600);
    await assert.rejects(assertWritable(file), fault('NL-STATE-WRITE', /no space is left/, /^Make room/));
  });
