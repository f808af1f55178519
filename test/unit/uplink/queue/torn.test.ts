import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Failure } from '../../../../agent/failure/failure.ts';
import { HEADER_BYTES, recordBytes } from '../../../../agent/uplink/queue/record.ts';
import { diceOf } from '../../../search/dice.ts';
import { type Fate, ModelDisk } from './disk-model.ts';
import { append, DIRECTORY, message, numberOf, numbersIn, type Opened, openOn, range } from './life.ts';

const SEGMENT = `${DIRECTORY}/${'1'.padStart(16, '0')}.q2`;
const SEGMENT_BYTES = 10_000;
const sizes = range(0, 200).map((n) => recordBytes(message(n)));
const offset = (n: number) => sizes.slice(0, n).reduce((sum, size) => sum + size, 0);

/** The messages with a byte in this part of the segment. */
const touched = (from: number, to: number) => range(0, 20).filter((n) => offset(n) < to && offset(n + 1) > from);

/** A disk with so many messages in batches of this size, from a process that was killed. */
async function holding(count: number, batch: number, segmentBytes = SEGMENT_BYTES): Promise<ModelDisk> {
  const disk = new ModelDisk(diceOf(1));
  const queue = await openOn(disk.start(), { segmentBytes });
  for (let n = 0; n < count; n += batch) await append(queue, n, n + batch);
  return disk;
}

/** The same, from one that was ended: nothing is behind the last message. */
async function closed(count: number, batch: number): Promise<ModelDisk> {
  const disk = new ModelDisk(diceOf(1));
  const queue = await openOn(disk.start(), { segmentBytes: SEGMENT_BYTES });
  for (let n = 0; n < count; n += batch) await append(queue, n, n + batch);
  await queue.close();
  return disk;
}

/** What the next process finds, and what it says. */
async function reopened(disk: ModelDisk, fate?: Fate, segmentBytes = SEGMENT_BYTES) {
  const warnings: string[] = [];
  const warn = ({ code, message: words }: Failure) => warnings.push(`${code} ${words}`);
  const queue = await openOn(disk.start(fate), { segmentBytes, warn });
  const found = await numbersIn(queue);
  assert.equal(queue.count, found.length);
  return { queue, found, damaged: queue.counts.damaged, warnings };
}

/** Adds a message to a queue that was damaged, and cuts the power: what is there then. All of it can be dropped. */
async function afterOneMore(disk: ModelDisk, queue: Opened): Promise<number[]> {
  await queue.append(message(100));
  disk.cutPower();
  const last = await openOn(disk.start(), { segmentBytes: SEGMENT_BYTES });
  const found = await numbersIn(last);
  last.rewind();
  for (let stored = await last.next(); stored !== undefined; stored = await last.next()) last.drop(stored);
  assert.deepEqual([last.count, last.bytes, last.oldestAt], [0, 0, undefined]);
  return found;
}

const WORDS = [
  `NL-UPLINK-DISK Messages in ${SEGMENT} are lost: their bytes have changed on disk, or cannot be read.`,
] as const;
const flip = (at: number) => (bytes: Buffer) => {
  bytes[at] = (bytes[at] ?? 0) ^ 0x40;
  return bytes;
};

suite('the end of the last segment', () => {
  test('zeros are room', async () => {
    const { queue, found, damaged } = await reopened(await holding(4, 2));
    assert.deepEqual([found, damaged, queue.bytes], [range(0, 4), 0, offset(4)]);
  });

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

  const KINDS: Readonly<Record<string, (bytes: Buffer, at: number) => Buffer>> = {
    'is noise': (bytes, at) => bytes.fill(0xa5, at),
    'has another bit': (bytes, at) => flip(at)(bytes),
  };
  for (const [kind, change] of Object.entries(KINDS)) {
    test(`${kind}, at every byte of the last record: no crash leaves that, so it counts`, async () => {
      const count = 4;
      for (let at = offset(count - 1); at < offset(count); at += 1) {
        const disk = await holding(count, 2);
        disk.alter(SEGMENT, (bytes) => change(bytes, at));
        const { queue, found, damaged, warnings } = await reopened(disk);
        assert.deepEqual([found, damaged, warnings], [range(0, count - 1), 1, WORDS], `byte ${at}`);
        assert.deepEqual(await afterOneMore(disk, queue), [...range(0, count - 1), 100]);
      }
    });
  }

  test('is gone, at every byte: a queue that was closed has nothing behind its last message', async () => {
    const count = 6;
    for (const change of [
      (bytes: Buffer, at: number) => bytes.subarray(0, at),
      (bytes: Buffer, at: number) => bytes.fill(0, at),
    ]) {
      for (let at = offset(count - 1) + 1; at < offset(count); at += 1) {
        const disk = await closed(count, 2);
        assert.equal(disk.bytesOf(SEGMENT).length, offset(count), 'no room is kept');
        disk.alter(SEGMENT, (bytes) => change(bytes, at));
        const { queue, found, damaged, warnings } = await reopened(disk);
        assert.deepEqual([found, damaged, warnings], [range(0, count - 1), 1, WORDS], `byte ${at}`);
        assert.deepEqual(await afterOneMore(disk, queue), [...range(0, count - 1), 100]);
      }
    }
  });

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

  test('a segment is gone, another one is half there, a third one is empty', async () => {
    const disk = await holding(60, 1, 700);
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

suite('a sector that cannot be read', () => {
  test('costs the messages of its page; it is tried three times, and its segment is never removed', async () => {
    const disk = await holding(120, 10);
    disk.spoil(SEGMENT, 4096, 4097);
    const { queue, found, damaged, warnings } = await reopened(disk);
    const lost = range(0, 120).filter((n) => offset(n) < 8192 && offset(n + 1) > 4096);
    const left = range(0, 120).filter((n) => !lost.includes(n));
    assert.deepEqual([found, damaged, warnings], [left, lost.length, WORDS]);
    assert.equal(disk.calls.filter((name) => name === 'read').length > 3, true);
    assert.deepEqual(await afterOneMore(disk, queue), [...left, 100]);
    assert.ok(disk.names.includes(`${SEGMENT}.bad`), `${disk.names}`);
  });

  test('nor its room: nothing is lost', async () => {
    const disk = await holding(10, 5);
    disk.spoil(SEGMENT, 8192, 8193);
    const { found, damaged } = await reopened(disk);
    assert.deepEqual([found, damaged], [range(0, 10), 0]);
  });

  for (const [what, index] of [
    ['the first', 0],
    ['one in the middle', 1],
    ['the last', -1],
  ] as const) {
    test(`${what} segment cannot be read at all: it is set aside, and the rest goes on`, async () => {
      const disk = await holding(20, 1, 700);
      const path = disk.names.toSorted().at(index) ?? '';
      const [from, next] = [Number(path.slice(-19, -3)) - 1, disk.names.toSorted().at(index + 1 || disk.names.length)];
      const to = next === undefined ? 20 : Number(next.slice(-19, -3)) - 1;
      disk.spoil(path, 0, 1);
      const { queue, found, damaged } = await reopened(disk, undefined, 700);
      const left = range(0, 20).filter((n) => n < from || n >= to);
      assert.deepEqual(found, left);
      assert.equal(damaged, next === undefined ? 1 : to - from);
      assert.deepEqual(await afterOneMore(disk, queue), [...left, 100]);
      assert.ok(disk.names.includes(`${path}.bad`), `${disk.names}`);
    });
  }

  test('the only segment cannot be read at all', async () => {
    const disk = await holding(5, 5);
    disk.spoil(SEGMENT, 0, SEGMENT_BYTES);
    const { queue, found, damaged, warnings } = await reopened(disk);
    assert.deepEqual([found, damaged, warnings.length], [[], 1, 1]);
    assert.deepEqual(await afterOneMore(disk, queue), [100]);
    assert.ok(disk.names.includes(`${SEGMENT}.bad`), `${disk.names}`);
  });

  for (const call of ['open r', 'read', 'size'] as const) {
    test(`a disk that is away for a moment costs no message: ${call}`, async () => {
      const disk = await holding(20, 5);
      for (let from = 1; from < 12; from += 1) {
        let seen = 0;
        // Neither it nor the flush behind it is answered.
        const isAway = (name: string) => (name === call || seen > 0) && [call, 'syncDirectory'].includes(name);
        const fate: Fate = ({ name, number }) => {
          if (number < from || !isAway(name) || seen === 4) return undefined;
          seen += 1;
          return 'EIO';
        };
        const life = disk.start(fate);
        const open = (): Promise<Opened> => openOn(life, { segmentBytes: SEGMENT_BYTES }).catch(open);
        const queue = await open();
        const found: number[] = [];
        while (found.length < 20) {
          const stored = await queue.next().catch(() => undefined);
          if (stored !== undefined) found.push(numberOf(stored));
        }
        assert.deepEqual([found, queue.counts.damaged], [range(0, 20), 0]);
      }
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
