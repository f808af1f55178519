import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { testAsOthers } from '../../../as-others.ts';
import { withUmask } from '../../../put-back.ts';
import { fault, scratch } from '../../state/disk.ts';
import { append, numbersIn, openIn as open, range } from './life.ts';

const modeOf = (path: string) => statSync(path).mode & 0o777;

test('a missing directory is made, and its files are for the daemon alone', async (t) => {
  const directory = join(scratch(t), 'uplink', 'sensors');
  withUmask(0o022, t);
  const queue = await open(directory);
  assert.deepEqual(readdirSync(directory), [], 'a queue that was never used has no file');
  await append(queue, 0, 3);
  queue.drop((await queue.next()) ?? assert.fail());
  await queue.close();
  assert.equal(modeOf(directory), 0o750);
  const files = readdirSync(directory).toSorted();
  assert.deepEqual(files, ['0000000000000001.q2']);
  assert.deepEqual(
    files.map((name) => modeOf(join(directory, name))),
    [0o600],
  );
  const again = await open(directory);
  assert.deepEqual(await numbersIn(again), [1, 2]);
  await again.close();
});

test('other files in the directory are left alone; messages in another format are named', async (t) => {
  const directory = scratch(t);
  mkdirSync(join(directory, 'rejected'));
  const others = ['0000000000000001.q1', '0000000000000001.q3', 'notes.q2', '1.q2', '.0000000000000001.q2'];
  for (const name of [...others, '0000000000000001.q2.bad', 'head']) writeFileSync(join(directory, name), 'mine');
  const before = readdirSync(directory);
  const warned: string[] = [];
  const queue = await open(directory, ({ message }) => warned.push(message));
  assert.deepEqual(warned, [
    `${directory} holds messages in a format that this newleaf does not read (files: 2). They stay as they are.`,
  ]);
  await append(queue, 0, 2);
  assert.deepEqual(await numbersIn(queue), [0, 1]);
  await queue.close();
  assert.deepEqual(readdirSync(directory), ['0000000000000001.q2', ...before].toSorted());
  for (const name of others) assert.equal(readFileSync(join(directory, name), 'utf8'), 'mine');
});

test('segments are real files of one length, and go', async (t) => {
  const directory = scratch(t);
  const queue = await open(directory);
  await append(queue, 0, 1);
  const sizes = () => readdirSync(directory).map((name) => statSync(join(directory, name)).size);
  assert.deepEqual(sizes(), [262_144], 'written in advance');
  const payload = Buffer.alloc(100_000, 'z');
  await Promise.all(range(0, 20).map(() => queue.append({ topic: 't', payload })));
  const used = () => sizes().reduce((sum, size) => sum + size, 0);
  assert.equal(readdirSync(directory).length, 10, 'two fit into a segment');
  assert.equal(used(), queue.bytes, 'and no room is kept but in the last one');
  for (let stored = await queue.next(); stored !== undefined; stored = await queue.next()) queue.drop(stored);
  await queue.close();
  assert.deepEqual(readdirSync(directory).length, 1);
  assert.ok(used() < 300_000, `${used()}`);
});

test('a message larger than half a segment has one of its own, without a byte more', async (t) => {
  const directory = scratch(t);
  const queue = await open(directory);
  for (const bytes of [140_000, 262_000]) await queue.append({ topic: 't', payload: Buffer.alloc(bytes) });
  const sizes = readdirSync(directory).map((name) => statSync(join(directory, name)).size);
  assert.deepEqual(sizes, [140_039, 262_039]);
  for (const bytes of [140_000, 262_000]) assert.equal((await queue.next())?.payload.length, bytes);
  await queue.close();
});

test('something else in the place of the directory', async (t) => {
  const place = join(scratch(t), 'sensors');
  writeFileSync(place, '');
  await assert.rejects(
    open(place),
    fault('NL-UPLINK-DISK', /sensors cannot be read: a file is in the place of its dir/),
  );
  await assert.rejects(
    open(join(place, 'below')),
    fault('NL-UPLINK-DISK', /below cannot be written: something else is in its place\.$/),
  );
});

testAsOthers(import.meta.filename, 'a directory that may not be read, made or written', async (t) => {
  const directory = scratch(t);
  const closed = join(directory, 'closed');
  mkdirSync(closed, { mode: 0o700 });
  chmodSync(closed, 0o000);
  const seen = join(directory, 'seen');
  mkdirSync(seen);
  chmodSync(seen, 0o555);
  await assert.rejects(open(closed), fault('NL-UPLINK-DISK', /closed cannot be read: permission denied\.$/));
  await assert.rejects(open(join(seen, 'new')), fault('NL-UPLINK-DISK', /new cannot be written: permission denied\.$/));
  const queue = await open(seen);
  await assert.rejects(append(queue, 0, 1), fault('NL-UPLINK-DISK', /seen cannot be written: permission denied\.$/));
  await queue.close();
});
