import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { QueueOptions } from '../../../../agent/uplink/queue/queue.ts';
import { recordBytes } from '../../../../agent/uplink/queue/record.ts';
import { diceOf } from '../../../search/dice.ts';
import { fault } from '../../state/disk.ts';
import { ModelDisk } from './disk-model.ts';
import { message, numberOf, numbersIn, type Opened, openOn, range } from './life.ts';

const bytesOf = (from: number, to: number) => range(from, to).reduce((sum, n) => sum + recordBytes(message(n)), 0);
const isFull = fault('NL-UPLINK-FULL', /^\/q holds \d+ messages, \d+ of \d+ bytes: a new message is refused\.$/);
const HOUR = 3_600_000;
const START = Date.UTC(2026, 10);

const opened = async (options: Partial<QueueOptions>) => {
  const disk = new ModelDisk(diceOf(1));
  const queue = await openOn(disk.start(), options);
  return { disk, queue, again: () => openOn(disk.start(), options) };
};
const append = async (queue: Opened, from: number, to: number) => {
  for (let n = from; n < to; n += 1) await queue.append(message(n));
};
const dropOne = async (queue: Opened) => queue.drop((await queue.next()) ?? assert.fail('there is a message'));

suite('bounds that change while the queue is open', () => {
  test('a smaller one drops the oldest when the next message comes, a larger one takes more', async () => {
    const { queue } = await opened({ maxBytes: bytesOf(0, 30), whenFull: 'drop-oldest' });
    await append(queue, 0, 30);
    queue.bound({ maxBytes: bytesOf(20, 30) });
    assert.equal(queue.count, 30);
    await append(queue, 30, 31);
    assert.deepEqual(queue.counts, { dropped: 21, damaged: 0 });
    queue.bound({ maxBytes: bytesOf(0, 30) });
    await append(queue, 31, 40);
    assert.deepEqual(await numbersIn(queue), range(21, 40));
  });

  test('an age that is set drops what is older, and one that is taken away drops nothing', async () => {
    let now = START;
    const { queue } = await opened({ now: () => now, monotonic: () => now });
    await append(queue, 0, 3);
    now += HOUR;
    await append(queue, 3, 5);
    queue.bound({ maxBytes: bytesOf(0, 30), maxAgeMs: HOUR / 2 });
    assert.equal(numberOf((await queue.next()) ?? assert.fail('there is a message')), 3);
    now += HOUR;
    queue.bound({ maxBytes: bytesOf(0, 30), maxAgeMs: undefined });
    assert.equal(numberOf((await queue.next()) ?? assert.fail('there is a message')), 4);
    assert.deepEqual(queue.counts, { dropped: 3, damaged: 0 });
  });
});

suite('a full queue that refuses', () => {
  test('takes up to the last byte, refuses, and takes again when there is room', async () => {
    const { disk, queue, again } = await opened({ maxBytes: bytesOf(0, 30) });
    await append(queue, 0, 30);
    assert.equal(queue.bytes, bytesOf(0, 30));
    await assert.rejects(queue.append(message(30)), isFull);
    assert.deepEqual([queue.count, queue.counts], [30, { dropped: 0, damaged: 0 }]);
    let sent = 30;
    for (let round = 0; round < 9; round += 1) {
      for (let n = 0; n < 8; n += 1) await dropOne(queue);
      for (; queue.bytes + recordBytes(message(sent)) <= bytesOf(0, 30); sent += 1) await append(queue, sent, sent + 1);
      await assert.rejects(queue.append(message(sent)), isFull);
    }
    assert.ok(disk.names.length <= 6, 'and its files are few');
    assert.deepEqual(await numbersIn(queue), range(72, sent));
    await queue.close();
    assert.deepEqual(await numbersIn(await again()), range(72, sent));
  });

  test('of a sender, none is taken behind one that was refused, though it would fit', async () => {
    const { queue } = await opened({ maxBytes: bytesOf(0, 10) });
    const [one, other] = [{}, {}];
    await append(queue, 0, 9);
    const large = { topic: message(0).topic, payload: Buffer.alloc(500) };
    const fits = await Promise.allSettled([
      queue.append(large, one),
      queue.append(message(1), one),
      queue.append(message(9), other),
    ]);
    assert.deepEqual(
      fits.map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled'],
    );
    await dropOne(queue);
    await assert.rejects(queue.append(message(1), one), fault('NL-UPLINK-FULL', /behind one that it has refused/));
    assert.deepEqual(await numbersIn(queue), range(1, 10));
  });

  test('of messages at once, those that fit are taken', async () => {
    const { queue } = await opened({ maxBytes: bytesOf(0, 3) });
    const answers = await Promise.allSettled(range(0, 6).map((n) => queue.append(message(n))));
    assert.deepEqual(
      answers.map(({ status }) => status === 'fulfilled'),
      [true, true, true, false, false, false],
    );
    assert.deepEqual(await numbersIn(queue), [0, 1, 2]);
  });
});

suite('a full queue that drops the oldest', () => {
  test('keeps the newest, counts the others, and frees their segments', async () => {
    const { disk, queue, again } = await opened({ maxBytes: 3000, whenFull: 'drop-oldest' });
    await append(queue, 0, 500);
    const { count, bytes } = queue;
    assert.ok(bytes <= 3000 && bytes > 2850, `${bytes}`);
    assert.deepEqual(queue.counts, { dropped: 500 - count, damaged: 0 });
    for (let n = 0; n < 9; n += 1) await turn();
    assert.ok(disk.names.length <= 7, `${disk.names}`);
    assert.deepEqual(await numbersIn(queue), range(500 - count, 500));
    await queue.close();
    assert.deepEqual(await numbersIn(await again()), range(500 - count, 500), 'after a restart, too');
  });

  test('never drops one that the reader has taken', async () => {
    const { queue } = await opened({ maxBytes: bytesOf(0, 10), whenFull: 'drop-oldest' });
    await append(queue, 0, 10);
    const taken = [await queue.next(), await queue.next(), await queue.next()];
    await append(queue, 10, 30);
    queue.rewind();
    const found = await numbersIn(queue);
    assert.deepEqual(found.slice(0, 3), [0, 1, 2]);
    assert.deepEqual(found.slice(3), range(33 - found.length, 30));
    assert.deepEqual(queue.counts.dropped, 30 - found.length);
    assert.equal(taken.length, 3);
  });

  test('refuses where all are taken; after rewind, they may go', async () => {
    const { queue } = await opened({ maxBytes: bytesOf(0, 4), whenFull: 'drop-oldest' });
    await append(queue, 0, 4);
    const first = await queue.next();
    assert.ok(first !== undefined);
    await numbersIn(queue);
    await assert.rejects(queue.append(message(4)), isFull);
    assert.deepEqual(queue.counts.dropped, 0);
    queue.rewind();
    await append(queue, 4, 5);
    assert.ok(queue.counts.dropped > 0);
    const { count } = queue;
    queue.drop(first);
    assert.equal(queue.count, count, 'an answer for a message that is dropped');
    assert.equal(numberOf((await queue.next()) ?? assert.fail()), 5 - count);
  });

  test('refuses one that is larger than the queue, and drops nothing for it', async () => {
    const { queue } = await opened({ maxBytes: 1000, whenFull: 'drop-oldest' });
    await append(queue, 0, 5);
    await assert.rejects(queue.append({ topic: 't', payload: Buffer.alloc(2000) }), isFull);
    assert.deepEqual(await numbersIn(queue), range(0, 5));
  });
});

suite('age', () => {
  const at = { wall: START, monotonic: 0 };
  const options = (): Partial<QueueOptions> => {
    Object.assign(at, { wall: START, monotonic: 0 });
    return { maxAgeMs: HOUR, now: () => at.wall, monotonic: () => at.monotonic };
  };
  const pass = (ms: number) => {
    at.wall += ms;
    at.monotonic += ms;
  };

  test('a message that is too old is dropped when the reader meets it, and counted', async () => {
    const { queue, again } = await opened(options());
    await append(queue, 0, 20);
    pass(HOUR / 2);
    await append(queue, 20, 25);
    pass(HOUR / 2 + 1);
    assert.equal(queue.count, 25, 'not before');
    assert.deepEqual(await numbersIn(queue), range(20, 25));
    assert.deepEqual([queue.count, queue.counts.dropped], [5, 20]);
    assert.deepEqual(await numbersIn(await again()), range(20, 25));
  });

  test('also one that was taken before, and that the reader meets again', async () => {
    const { queue } = await opened(options());
    await append(queue, 0, 3);
    assert.deepEqual(await numbersIn(queue), [0, 1, 2]);
    pass(HOUR + 1);
    queue.rewind();
    assert.equal(await queue.next(), undefined);
    assert.deepEqual([queue.count, queue.bytes, queue.counts.dropped], [0, 0, 3]);
  });

  test('a full queue that refuses makes room with what is too old, and no more than it needs', async () => {
    const { queue } = await opened({ ...options(), maxBytes: bytesOf(0, 10) });
    await append(queue, 0, 10);
    await assert.rejects(queue.append(message(10)), isFull);
    pass(HOUR + 1);
    await append(queue, 10, 11);
    const { dropped } = queue.counts;
    assert.ok(dropped === 1 || dropped === 2, `${dropped}`);
  });

  for (const [what, begins, stepMs, isAnew, left] of [
    ['set forward takes no message of this run', START, 1000 * HOUR, false, 5],
    ['set forward takes all after a restart, one by one, and each is counted', START, 1000 * HOUR, true, 0],
    ['set back takes none', START, -1000 * HOUR, true, 5],
    ['set at last takes none from before', 60_000, START - 60_000, true, 5],
  ] as const) {
    test(`a clock that is ${what}`, async () => {
      const given = options();
      at.wall = begins;
      const { queue, again } = await opened(given);
      await append(queue, 0, 5);
      at.wall += stepMs;
      const found = isAnew ? await again() : queue;
      assert.equal(found.count, 5);
      assert.deepEqual([await numbersIn(found), found.counts.dropped], [range(0, left), 5 - left]);
    });
  }
});
