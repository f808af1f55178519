import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Failure } from '../../../../agent/failure/failure.ts';
import { HEADER_BYTES, recordBytes } from '../../../../agent/uplink/queue/record.ts';
import { diceOf } from '../../../search/dice.ts';
import { ModelDisk } from './disk-model.ts';
import { DIRECTORY, message, numbersIn, type Opened, openOn, range } from './life.ts';

const SEGMENT = `${DIRECTORY}/${'1'.padStart(16, '0')}.q1`;
const HEAD = `${DIRECTORY}/head`;
const sizes = range(0, 200).map((n) => recordBytes(message(n)));
const offset = (n: number) => sizes.slice(0, n).reduce((sum, size) => sum + size, 0);

/** The messages with a byte in this part of the segment. */
const touched = (from: number, to: number) => range(0, 20).filter((n) => offset(n) < to && offset(n + 1) > from);

/** A disk with so many messages, from a process that was killed. */
async function holding(count: number, segmentBytes = 100_000): Promise<ModelDisk> {
  const disk = new ModelDisk(diceOf(1));
  const queue = await openOn(disk.start(), { segmentBytes });
  await Promise.all(range(0, count).map((n) => queue.append(message(n))));
  return disk;
}

/** Adds a message to a queue that was damaged, and cuts the power: what is there then. All of it can be dropped. */
async function afterOneMore(disk: ModelDisk, queue: Opened): Promise<number[]> {
  await queue.append(message(100));
  disk.cutPower();
  const last = await openOn(disk.start(), { segmentBytes: 100_000 });
  const found = await numbersIn(last);
  last.rewind();
  for (let stored = await last.next(); stored !== undefined; stored = await last.next()) last.drop(stored);
  assert.deepEqual([last.count, last.bytes, last.oldestAt], [0, 0, undefined]);
  return found;
}

suite('the end of the last segment', () => {
  const KINDS: Readonly<Record<string, (bytes: Buffer, at: number) => Buffer>> = {
    'is cut off': (bytes, at) => bytes.subarray(0, at),
    'is zeros': (bytes, at) => bytes.fill(0, at),
    'is noise': (bytes, at) => bytes.fill(0xa5, at),
    'is a part of another record': (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(3, 60)]),
  };
  for (const [kind, tear] of Object.entries(KINDS)) {
    test(`${kind}, at every byte of the last record`, async () => {
      const count = 4;
      for (let at = offset(count - 1); at < offset(count); at += 1) {
        const disk = await holding(count);
        disk.alter(SEGMENT, (bytes) => tear(bytes, at));
        const queue = await openOn(disk.start(), { segmentBytes: 100_000 });
        assert.deepEqual(await numbersIn(queue), range(0, count - 1), `byte ${at}`);
        assert.deepEqual([queue.count, queue.counts], [count - 1, { dropped: 0, damaged: 0 }]);
        assert.equal(disk.bytesOf(SEGMENT).length, offset(count - 1), 'it is cut off');
        assert.deepEqual(await afterOneMore(disk, queue), [...range(0, count - 1), 100]);
      }
    });
  }

  test('a segment without a byte, and one with nothing good in it', async () => {
    for (const tear of [() => Buffer.alloc(0), (bytes: Buffer) => bytes.fill(0)]) {
      const disk = await holding(3);
      disk.alter(SEGMENT, tear);
      const queue = await openOn(disk.start());
      assert.deepEqual([queue.count, queue.bytes, await queue.next()], [0, 0, undefined]);
      assert.deepEqual(await afterOneMore(disk, queue), [100]);
    }
  });

  test('a disk that cannot be written: all can be read, and the next message goes into another segment', async () => {
    const disk = await holding(4);
    disk.alter(SEGMENT, (bytes) => bytes.subarray(0, -1));
    const failing = disk.start(({ name }) => (name === 'open r+' ? 'EROFS' : undefined));
    const queue = await openOn(failing, { segmentBytes: 100_000 });
    assert.deepEqual(await numbersIn(queue), [0, 1, 2]);
    assert.deepEqual(await afterOneMore(disk, queue), [0, 1, 2, 100]);
  });

  test('rot at the end never makes a new message look like one that was dropped', async () => {
    const disk = await holding(20);
    const queue = await openOn(disk.start(), { segmentBytes: 100_000 });
    for (let n = 0; n < 15; n += 1) queue.drop((await queue.next()) ?? assert.fail());
    await queue.close();
    disk.alter(SEGMENT, (bytes) => bytes.subarray(0, offset(5)));
    const second = await openOn(disk.start(), { segmentBytes: 100_000 });
    assert.deepEqual([second.count, second.bytes, await second.next()], [0, 0, undefined]);
    assert.deepEqual(await afterOneMore(disk, second), [100]);
  });
});

suite('rot in the middle', () => {
  const flip = (at: number) => (bytes: Buffer) => {
    bytes[at] = (bytes[at] ?? 0) ^ 0x40;
    return bytes;
  };
  const rows: readonly (readonly [what: string, change: (bytes: Buffer) => Buffer, lost: readonly number[]])[] = [
    ['a byte of a payload', flip(offset(3) + HEADER_BYTES + 28), [3]],
    ['a byte of a topic', flip(offset(0) + HEADER_BYTES + 2), [0]],
    ['a byte of a header', flip(offset(4) + 9), [4]],
    ['the mark of a header', flip(offset(4)), [4]],
    ['two headers in a row', (bytes) => flip(offset(4) + 3)(flip(offset(5) + 20)(bytes)), [4, 5]],
    ['a sector', (bytes) => bytes.fill(0, 512, 1024), touched(512, 1024)],
    ['some bytes are missing', (bytes) => Buffer.concat([bytes.subarray(0, 400), bytes.subarray(450)]), [5, 6]],
  ];
  for (const [what, change, lost] of rows) {
    test(`${what}: messages ${lost} are lost, and counted; no other is`, async () => {
      const disk = await holding(20);
      disk.alter(SEGMENT, change);
      const warnings: Failure[] = [];
      const queue = await openOn(disk.start(), { segmentBytes: 100_000, warn: (one) => warnings.push(one) });
      assert.equal(queue.count, 20, 'it is found when it is read');
      const left = range(0, 20).filter((n) => !lost.includes(n));
      assert.deepEqual(await numbersIn(queue), left);
      assert.deepEqual([queue.count, queue.counts.damaged], [left.length, lost.length]);
      assert.deepEqual(
        warnings.map(({ code, message: words }) => `${code} ${words}`),
        [`NL-UPLINK-DISK Messages in ${SEGMENT} are lost, because their bytes have changed on disk.`],
      );
      assert.deepEqual(await afterOneMore(disk, queue), [...left, 100]);
    });
  }

  test('a segment is gone, another one is half there, a third one is empty', async () => {
    const disk = await holding(60, 700);
    const segments = disk.names.toSorted();
    const first = (index: number) => Number(segments[index]?.slice(-19, -3)) - 1;
    disk.delete(segments[1] ?? '');
    disk.alter(segments[3] ?? '', (bytes) => bytes.subarray(0, 300));
    disk.alter(segments[5] ?? '', () => Buffer.alloc(0));
    const queue = await openOn(disk.start());
    const found = await numbersIn(queue);
    const whole = [
      ...range(0, first(1)),
      ...range(first(2), first(3)),
      ...range(first(4), first(5)),
      ...range(first(6), 60),
    ];
    assert.deepEqual(
      found.filter((n) => n < first(3) || n >= first(4)),
      whole,
    );
    assert.deepEqual([queue.count, queue.counts.damaged], [found.length, 60 - found.length]);
    assert.ok(
      found.some((n) => n >= first(3) && n < first(4)),
      'the half of the third',
    );
  });
});

suite('the head', () => {
  const drained = async () => {
    const disk = await holding(20);
    const queue = await openOn(disk.start(), { segmentBytes: 100_000 });
    for (let n = 0; n < 15; n += 1) queue.drop((await queue.next()) ?? assert.fail());
    await queue.close();
    return disk;
  };
  test('it is known after a restart', async () => {
    const disk = await drained();
    const queue = await openOn(disk.start());
    assert.deepEqual([queue.count, await numbersIn(queue)], [5, range(15, 20)]);
    assert.equal(queue.bytes, offset(20) - offset(15));
  });
  test('each byte of it is watched over: without it, messages come again, and none is lost', async () => {
    const whole = (await drained()).bytesOf(HEAD);
    for (let at = 0; at < whole.length; at += 1) {
      const disk = await drained();
      const warnings: string[] = [];
      disk.alter(HEAD, (bytes) => (at % 2 === 0 ? bytes.subarray(0, at) : Buffer.from(bytes.fill(bytes[at] ?? 0, at))));
      disk.alter(HEAD, (bytes) => (bytes.equals(whole) ? bytes.fill(0xff, at) : bytes));
      const queue = await openOn(disk.start(), { warn: (one) => warnings.push(one.message) });
      assert.deepEqual(await numbersIn(queue), range(0, 20), `byte ${at}`);
      assert.match(warnings.join(), /head cannot be read: messages that the hub has are sent a second time\.$/);
    }
  });
  test('it goes on where the segments are gone', async () => {
    const disk = await drained();
    disk.delete(SEGMENT);
    const queue = await openOn(disk.start());
    assert.deepEqual([queue.count, queue.counts.damaged], [0, 0]);
    await queue.append(message(100));
    assert.equal((await queue.next())?.sequence, 16);
    assert.deepEqual(await afterOneMore(disk, queue), [100, 100]);
  });
});
