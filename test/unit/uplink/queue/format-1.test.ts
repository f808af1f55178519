import assert from 'node:assert/strict';
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch } from '../../state/disk.ts';
import { append, DIRECTORY, model, numbersIn, openIn as open, openOn, range, take } from './life.ts';

/**
 * Thirty messages in batches of three, of which twelve were dropped before it was closed: three segments of about 700 bytes, as
 * newleaf wrote them before 2026-11-29.
 */
const QUEUE = join(import.meta.dirname, 'format-1');

/** A copy of it. */
function copied(t: Parameters<typeof scratch>[0]): string {
  const directory = join(scratch(t), 'sensors');
  cpSync(QUEUE, directory, { recursive: true });
  return directory;
}

test('a queue of the first format is read, and goes on in the second', async (t) => {
  const directory = copied(t);
  const first = await open(directory);
  assert.deepEqual([first.count, first.oldestAt], [18, Date.UTC(2026, 10)]);
  await append(first, 30, 33);
  for (let n = 0; n < 8; n += 1) first.drop(await take(first));
  await first.close();
  const second = await open(directory);
  assert.deepEqual([await numbersIn(second), second.counts], [range(20, 33), { dropped: 0, damaged: 0 }]);
  second.rewind();
  for (let n = 20; n < 33; n += 1) second.drop(await take(second));
  await second.close();
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith('.q1')),
    [],
  );
  const third = await open(directory);
  assert.equal(await third.next(), undefined, 'the newer head counts');
  await third.close();
});

/** The same on a model of a disk, after a change of one of its files. */
function changed(name: string, change: (bytes: Buffer) => Buffer) {
  const disk = model();
  for (const file of readdirSync(QUEUE)) {
    const bytes = readFileSync(join(QUEUE, file));
    disk.put(`${DIRECTORY}/${file}`, file === name ? change(bytes) : bytes);
  }
  return openOn(disk.start());
}

test('its end may be torn at any byte, and nothing is counted', async () => {
  const last = '0000000000000029.q1';
  const length = readFileSync(join(QUEUE, last)).length;
  for (let at = 0; at < length; at += 1) {
    const queue = await changed(last, (bytes) => bytes.subarray(0, at));
    const found = await numbersIn(queue);
    assert.deepEqual(found, range(12, 12 + found.length), `byte ${at}`);
    assert.ok(found.length >= 16 && queue.counts.damaged === 0, `byte ${at}`);
  }
});

test('rot in it costs a message, which is counted', async () => {
  const queue = await changed('0000000000000020.q1', (bytes) => bytes.fill(0x55, 40, 41));
  assert.deepEqual([await numbersIn(queue), queue.counts.damaged], [range(12, 30).filter((n) => n !== 19), 1]);
});

test('without its head, messages that were dropped come again, and none is lost', async () => {
  for (let at = 0; at < 14; at += 1) {
    const queue = await changed('head', (bytes) => bytes.fill((bytes[at] ?? 0) ^ 1, at, at + 1));
    assert.deepEqual(await numbersIn(queue), range(10, 30), `byte ${at}`);
  }
});

test('where only its head is left, a new message is not taken for one that was dropped', async () => {
  const disk = model();
  disk.put(`${DIRECTORY}/head`, readFileSync(join(QUEUE, 'head')));
  const queue = await openOn(disk.start());
  assert.equal(queue.count, 0);
  await append(queue, 50, 52);
  assert.deepEqual([queue.count, await numbersIn(queue)], [2, [50, 51]]);
  assert.deepEqual(await numbersIn(await openOn(disk.start())), [50, 51]);
});
