import assert from 'node:assert/strict';
import childProcess from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { assertWritable, makeDirectory, sync, writeAtomically } from '../../../agent/state/durable.ts';
import { asNobody, barred, fault, scratch, tinyDisk } from './disk.ts';

const modeOf = (path: string) => statSync(path).mode & 0o777;

test('the text replaces the old one, with the mode asked for whatever the umask and the old mode', async (t) => {
  const directory = scratch(t);
  const path = join(directory, 'leaf.pem');
  await writeAtomically(path, 'old', 0o600);
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  await writeAtomically(path, 'new', 0o644);
  assert.equal(readFileSync(path, 'utf8'), 'new');
  assert.equal(modeOf(path), 0o644);
  assert.deepEqual(readdirSync(directory), ['leaf.pem']);
});

test('a missing directory is made for us alone, its parents are made for everybody', async (t) => {
  const parent = join(scratch(t), 'lib');
  await writeAtomically(join(parent, 'newleaf', 'leaf.pem'), 'x', 0o644);
  assert.equal(modeOf(join(parent, 'newleaf')), 0o750);
  assert.equal(modeOf(parent), 0o777 & ~process.umask());
});

test('a directory that is there keeps its mode', async (t) => {
  const directory = scratch(t);
  chmodSync(directory, 0o750);
  await makeDirectory(directory);
  assert.equal(modeOf(directory), 0o750);
});

test('what an interrupted attempt left behind is replaced, and does not lend its mode', async (t) => {
  const directory = scratch(t);
  writeFileSync(join(directory, '.leaf.pem.new'), 'half a li', { mode: 0o666 });
  await writeAtomically(join(directory, 'leaf.pem'), 'whole', 0o600);
  assert.deepEqual(readdirSync(directory), ['leaf.pem']);
  assert.equal(modeOf(join(directory, 'leaf.pem')), 0o600);
});

test('a full disk leaves the old text and no litter', async (t) => {
  const disk = tinyDisk(t);
  if (disk === undefined) return;
  const path = join(disk.path, 'leaf.pem');
  await writeAtomically(path, 'old', 0o600);
  await assert.rejects(
    writeAtomically(path, 'x'.repeat(80_000), 0o600),
    fault('NL-STATE-WRITE', /leaf\.pem cannot be written: no space is left/),
  );
  assert.equal(readFileSync(path, 'utf8'), 'old');
  assert.deepEqual(readdirSync(disk.path), ['leaf.pem']);
});

test('a read-only disk leaves the old text', async (t) => {
  const disk = tinyDisk(t);
  if (disk === undefined) return;
  const path = join(disk.path, 'leaf.pem');
  await writeAtomically(path, 'old', 0o600);
  disk.makeReadOnly();
  await assert.rejects(writeAtomically(path, 'new', 0o600), fault('NL-STATE-WRITE', /the file system is read-only/));
  assert.equal(readFileSync(path, 'utf8'), 'old');
});

test('a directory that may not be written leaves the old text', { skip: barred }, async (t) => {
  const directory = scratch(t);
  const path = join(directory, 'leaf.pem');
  await writeAtomically(path, 'old', 0o644);
  chmodSync(directory, 0o555);
  await asNobody(() =>
    assert.rejects(writeAtomically(path, 'new', 0o644), fault('NL-STATE-WRITE', /permission denied/)),
  );
  assert.equal(readFileSync(path, 'utf8'), 'old');
});

test('something else in the place of the file or of its directory is left alone', async (t) => {
  const directory = scratch(t);
  mkdirSync(join(directory, 'leaf.pem', 'sub'), { recursive: true });
  await assert.rejects(
    writeAtomically(join(directory, 'leaf.pem'), 'x', 0o600),
    fault('NL-STATE-WRITE', /a directory is in its place/),
  );
  assert.deepEqual(readdirSync(directory), ['leaf.pem']);
  writeFileSync(join(directory, 'file'), 'x');
  await assert.rejects(
    writeAtomically(join(directory, 'file', 'leaf.pem'), 'x', 0o600),
    fault('NL-STATE-WRITE', /a file is in the place of its directory/),
  );
});

test('a machine that has no memory for another process holds up nobody who waits for the disk', async (t) => {
  const spawn = mock.method(childProcess, 'spawn', () => {
    throw Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM' });
  });
  syncBuiltinESMExports();
  t.after(() => {
    spawn.mock.restore();
    syncBuiltinESMExports();
  });
  await sync();
  assert.equal(spawn.mock.callCount(), 1);
});

test('a file system that became read-only, and a directory that is gone, are found out without a write', async (t) => {
  const disk = tinyDisk(t);
  if (disk === undefined) return;
  const file = join(disk.path, 'state.json');
  await assertWritable(file);
  assert.deepEqual(readdirSync(disk.path), []);
  disk.makeReadOnly();
  await assert.rejects(
    assertWritable(file),
    fault('NL-STATE-WRITE', /state\.json cannot be written: the file system is read-only/),
  );
  await assert.rejects(assertWritable(join(disk.path, 'gone', 'state.json')), fault('NL-STATE-WRITE', /ENOENT/));
});
