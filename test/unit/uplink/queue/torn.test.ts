import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { encode, HEADER_BYTES } from '../../../../agent/uplink/queue/record.ts';
import { afterOneMore, closed, holding, offset, reopened, SEGMENT, SEGMENT_BYTES, WORDS } from './left-behind.ts';
import { DIRECTORY, message, numbersIn, openOn, range } from './life.ts';

/** The messages with a byte in this part of the segment. */
const touched = (from: number, to: number) => range(0, 20).filter((n) => offset(n) < to && offset(n + 1) > from);

const flip = (at: number) => (bytes: Buffer) => {
  bytes[at] = (bytes[at] ?? 0) ^ 0x40;
  return bytes;
};

suite('the end of the last segment', () => {
  test('a batch that a power cut has torn is cut off, and counts as nothing: any of its sectors may be missing', async () => {
    for (let missing = 1; missing < 16; missing += 1) {
      const disk = await holding(25, 5);
      const [from, to] = [offset(20), offset(25)];
      const sectors = range(Math.floor(from / 512), Math.ceil(to / 512));
      disk.alter(SEGMENT, (bytes) => {
        for (const [index, sector] of sectors.entries())
          if (missing & (1 << index)) bytes.fill(0, Math.max(from, sector * 512), Math.min(to, (sector + 1) * 512));
        return bytes;
      });
      const { queue, found, damaged, warnings } = await reopened(disk);
      assert.deepEqual([damaged, warnings], [0, []], `sectors ${missing}`);
      assert.deepEqual(found.slice(0, 20), range(0, 20));
      assert.ok(found.length < 25 || !sectors.some((_, index) => missing & (1 << index)));
      assert.deepEqual(await afterOneMore(disk, queue), [...found, 100]);
    }
  });

  type Kind = readonly [what: string, make: typeof closed, change: (bytes: Buffer, at: number) => Buffer];
  const KINDS: readonly Kind[] = [
    ['noise, which no crash leaves', holding, (bytes, at) => bytes.fill(0xa5, at)],
    ['another bit, which no crash leaves', holding, (bytes, at) => flip(at)(bytes)],
    ['nothing, in a queue that was closed', closed, (bytes, at) => bytes.subarray(0, at)],
    ['zeros, in a queue that was closed', closed, (bytes, at) => bytes.fill(0, at)],
  ];
  for (const [what, make, change] of KINDS) {
    test(`from any byte of the last record on, ${what}: it counts`, async () => {
      const count = 4;
      // A closed queue that ends before a record has lost it without a trace.
      for (let at = offset(count - 1) + (make === closed ? 1 : 0); at < offset(count); at += 1) {
        const disk = await make(count, 2);
        disk.alter(SEGMENT, (bytes) => change(bytes, at));
        const { queue, found, damaged, warnings } = await reopened(disk);
        assert.deepEqual([found, damaged, warnings], [range(0, count - 1), 1, WORDS], `byte ${at}`);
        assert.deepEqual(await afterOneMore(disk, queue), [...range(0, count - 1), 100]);
      }
    });
  }

  test('a segment that a crash left unfinished has no name yet, and is written anew', async () => {
    const disk = await holding(20, 5);
    const path = `${DIRECTORY}/new`;
    disk.put(path, disk.bytesOf(SEGMENT).subarray(0, 300));
    const { queue, found, damaged } = await reopened(disk);
    assert.deepEqual([found, damaged], [range(0, 20), 0]);
    assert.deepEqual(await afterOneMore(disk, queue), [...found, 100]);
    assert.ok(!disk.names.includes(path));
  });

  test('a segment with no more than a note gives its name to the next one, which outlives it', async () => {
    const disk = await closed(5, 5);
    const first = await openOn(disk.start());
    for (let n = 0; n < 5; n += 1) first.drop((await first.next()) ?? assert.fail());
    await first.close();
    const { queue, found } = await reopened(disk);
    assert.deepEqual(found, []);
    assert.deepEqual(await afterOneMore(disk, queue), [100]);
  });

  test('a disk that cannot be written: all can be read, and the next message goes into another segment', async () => {
    const disk = await holding(4, 2);
    const { queue, found } = await reopened(disk, ({ name }) => (name === 'open r+' ? 'EROFS' : undefined));
    assert.deepEqual(found, range(0, 4));
    assert.deepEqual(await afterOneMore(disk, queue), [0, 1, 2, 3, 100]);
  });
});

suite('rot in the middle', () => {
  const rows: readonly (readonly [what: string, change: (bytes: Buffer) => Buffer, lost: readonly number[]])[] = [
    ['a byte of a payload', flip(offset(3) + HEADER_BYTES + 28), [3]],
    ['a byte of a topic', flip(offset(0) + HEADER_BYTES + 2), [0]],
    ['a byte of a header', flip(offset(4) + 9), [4]],
    ['the mark of a header', flip(offset(4)), [4]],
    ['two headers in a row', (bytes) => flip(offset(4) + 3)(flip(offset(5) + 20)(bytes)), [4, 5]],
    ['a sector', (bytes) => bytes.fill(0, 512, 1024), touched(512, 1024)],
    ['a byte of the last batch', flip(offset(17) + 9), [17]],
    [
      'some bytes are missing',
      (bytes) => Buffer.concat([bytes.subarray(0, 400), bytes.subarray(450)], bytes.length),
      [4, 5],
    ],
  ];
  for (const [what, change, lost] of rows) {
    test(`${what}: messages ${lost} are lost, and counted; no other is`, async () => {
      const disk = await holding(20, 5);
      disk.alter(SEGMENT, change);
      const { queue, found, damaged, warnings } = await reopened(disk);
      const left = range(0, 20).filter((n) => !lost.includes(n));
      assert.deepEqual([found, damaged, warnings], [left, lost.length, WORDS]);
      assert.deepEqual(await afterOneMore(disk, queue), [...left, 100]);
    });
  }
});

suite('the head', () => {
  const drained = async () => {
    const disk = await holding(20, 5);
    const queue = await openOn(disk.start(), { segmentBytes: SEGMENT_BYTES });
    for (let n = 0; n < 15; n += 1) queue.drop((await queue.next()) ?? assert.fail());
    await queue.close();
    return disk;
  };
  test('it is known after a restart', async () => {
    const disk = await drained();
    const queue = await openOn(disk.start());
    assert.equal(queue.bytes, offset(20) - offset(15));
    assert.deepEqual([queue.count, await numbersIn(queue)], [5, range(15, 20)]);
  });
  test('where what knows it is lost, messages come again, and none is lost', async () => {
    const disk = await drained();
    for (const path of disk.names.filter((name) => name !== SEGMENT)) disk.delete(path);
    const queue = await openOn(disk.start());
    assert.deepEqual(await numbersIn(queue), range(0, 20));
  });
  test('a head beyond its record, as a payload behind rot may look, takes no new message with it', async () => {
    const disk = await closed(4, 2);
    const forged = encode([{ ...message(4), sequence: 5, at: 0 }], 50);
    disk.alter(SEGMENT, (bytes) => Buffer.concat([bytes, forged]));
    const { queue } = await reopened(disk);
    assert.deepEqual(await afterOneMore(disk, queue), [100]);
  });
  test('rot at the end never makes a new message look like one that was dropped', async () => {
    for (const end of [offset(5), 0]) {
      const disk = await drained();
      disk.alter(SEGMENT, (bytes) => bytes.subarray(0, end));
      const queue = await openOn(disk.start(), { segmentBytes: SEGMENT_BYTES });
      assert.deepEqual([queue.count, queue.bytes, await queue.next()], [0, 0, undefined]);
      assert.equal(queue.counts.damaged, 5);
      assert.deepEqual(await afterOneMore(disk, queue), [100]);
    }
  });
});
