import assert from 'node:assert/strict';
import childProcess from 'node:child_process';
import { EventEmitter } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join, relative } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { makeDirectory, sync, writeAtomically } from '../../../agent/state/durable.ts';
import { testAsOthers } from '../../as-others.ts';
import { withUmask } from '../../put-back.ts';
import { fault, scratch } from './disk.ts';

const modeOf = (path: string) => statSync(path).mode & 0o777;

test('the text replaces the old one, with the mode asked for whatever the umask and the old mode', async (t) => {
  const directory = scratch(t);
  const path = join(directory, 'leaf.pem');
  await writeAtomically(path, 'old', 0o600);
  withUmask(0o077, t);
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

/** Each fsync(2) is noted by its path, and ends when the test says so. */
async function syncs(t: TestContext, directory: string) {
  const waiting: { readonly path: string; end(error?: Error): void }[] = [];
  const some = await open(directory);
  const { prototype } = some.constructor as { readonly prototype: FileHandle };
  await some.close();
  const sync = t.mock.method(prototype, 'sync', function (this: FileHandle) {
    const path = relative(directory, readlinkSync(`/proc/self/fd/${this.fd}`));
    return new Promise<void>((resolve, reject) => {
      waiting.push({ path, end: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  });
  /** The next one of this work, which must not end before. */
  const next = async (work: Promise<unknown>) => {
    let isOver = false;
    const end = () => {
      isOver = true;
    };
    void work.then(end, end);
    while (waiting.length === 0 && !isOver) await setImmediate();
    return waiting.shift() ?? assert.fail('it has ended, and is not on the disk');
  };
  return { next, count: () => sync.mock.callCount() };
}

/** What is left to do gets time for more than it needs. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await stat('/').then(() => setImmediate());
}

test('a power cut at any moment: the new text takes its place on the disk only, and so does its name', async (t) => {
  const directory = scratch(t);
  const { next, count } = await syncs(t, directory);
  const path = join(directory, 'new', 'leaf.pem');
  let written = false;
  const done = writeAtomically(path, 'new', 0o600).then(() => {
    written = true;
  });
  for (const synced of ['', 'new/.leaf.pem.new', 'new']) {
    const { path: what, end } = await next(done);
    await rest();
    assert.deepEqual([what, written, existsSync(path)], [synced, false, synced === 'new']);
    end();
  }
  await done;
  assert.equal(count(), 3);
});

test('a disk that does not take the text leaves the old one', async (t) => {
  const directory = scratch(t);
  const path = join(directory, 'leaf.pem');
  writeFileSync(path, 'old');
  const { next } = await syncs(t, directory);
  const done = assert.rejects(writeAtomically(path, 'new', 0o600), fault('NL-STATE-WRITE', /the disk does not work/));
  (await next(done)).end(Object.assign(new Error('EIO'), { code: 'EIO' }));
  await done;
  assert.equal(readFileSync(path, 'utf8'), 'old');
  assert.deepEqual(readdirSync(directory), ['leaf.pem']);
});

test('what root writes belongs to the owner of the directory, or to whom it is for', {
  skip: process.geteuid?.() !== 0 && 'only root gives files away',
}, async (t) => {
  const directory = scratch(t);
  const path = join(directory, 'leaf.pem');
  const ownerOf = () => [statSync(path).uid, statSync(path).gid];
  chownSync(directory, 65534, 65533);
  await writeAtomically(path, 'x', 0o600);
  assert.deepEqual(ownerOf(), [65534, 65533]);
  await writeAtomically(path, 'x', 0o600, { uid: 1, gid: 2 });
  assert.deepEqual(ownerOf(), [1, 2]);
});

test('what an interrupted attempt left behind is replaced, and does not lend its mode', async (t) => {
  const directory = scratch(t);
  writeFileSync(join(directory, '.leaf.pem.new'), 'half a li', { mode: 0o666 });
  await writeAtomically(join(directory, 'leaf.pem'), 'whole', 0o600);
  assert.deepEqual(readdirSync(directory), ['leaf.pem']);
  assert.equal(modeOf(join(directory, 'leaf.pem')), 0o600);
});

testAsOthers(import.meta.filename, 'a directory that may not be written leaves the old text', async (t) => {
  const directory = scratch(t);
  const path = join(directory, 'leaf.pem');
  await writeAtomically(path, 'old', 0o644);
  chmodSync(directory, 0o555);
  await assert.rejects(writeAtomically(path, 'new', 0o644), fault('NL-STATE-WRITE', /permission denied/));
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

/** sync(1), which is played by this. */
function syncedBy(t: TestContext, play: () => EventEmitter) {
  const spawn = t.mock.method(childProcess, 'spawn', play);
  syncBuiltinESMExports();
  t.after(() => {
    spawn.mock.restore();
    syncBuiltinESMExports();
  });
  return spawn.mock;
}

test('a machine that has no memory for another process holds up nobody who waits for the disk', async (t) => {
  const spawn = syncedBy(t, () => {
    throw Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM' });
  });
  await sync();
  assert.equal(spawn.callCount(), 1);
});

test('a disk is waited for, and no timer is left: a command would end half a minute later', async (t) => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const child = new EventEmitter();
  syncedBy(t, () => child);
  const before = timers();
  const synced = sync();
  assert.equal(timers(), before + 1);
  child.emit('exit', 0);
  await synced;
  assert.equal(timers(), before);
});

test('a disk that hangs is given up after half a minute', async (t) => {
  // Before the exports are put back, or what others import of node:timers/promises stays this clock.
  t.after(() => t.mock.timers.reset());
  syncedBy(t, () => new EventEmitter());
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let isOver = false;
  const synced = sync().then(() => {
    isOver = true;
  });
  t.mock.timers.tick(29_999);
  await setImmediate();
  assert.equal(isOver, false);
  t.mock.timers.tick(1);
  await synced;
});
