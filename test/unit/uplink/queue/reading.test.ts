import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fault } from '../../state/disk.ts';
import { append, message, model, numberOf, openOn, range, take, until } from './life.ts';

suite('reading', () => {
  /** Messages that are longer than a page, so that each is read by itself; the fourth is being read. */
  const reading = async () => {
    const disk = model();
    const queue = await openOn(disk.start());
    const payload = (n: number) => Buffer.alloc(5000, n);
    for (let n = 0; n < 6; n += 1) await queue.append({ topic: 't', payload: payload(n) });
    const taken = [await take(queue), await take(queue), await take(queue)];
    queue.rewind();
    for (let n = 0; n < 3; n += 1) await take(queue);
    const waiting = take(queue);
    const { length } = disk.calls;
    await until(() => disk.calls.length > length);
    return { queue, taken, waiting, firsts: async () => (await take(queue)).payload[0] };
  };

  test('a reader that begins again while it waits gets the first message', async () => {
    const { queue, waiting, firsts } = await reading();
    queue.rewind();
    assert.equal((await waiting).payload[0], 0);
    assert.deepEqual([await firsts(), await firsts(), await firsts()], [1, 2, 3]);
  });

  test('a message that is dropped while it is read does not come', async () => {
    const { queue, taken, waiting } = await reading();
    assert.equal((await waiting).payload[0], 3);
    const [first] = taken;
    assert.ok(first !== undefined);
    queue.rewind();
    const again = take(queue);
    await undefined;
    queue.drop(first);
    assert.equal((await again).payload[0], 1);
  });

  test('several calls at once get one message each', async () => {
    const queue = await openOn(model().start());
    await append(queue, 0, 20);
    const found = await Promise.all(range(0, 21).map(() => queue.next()));
    assert.deepEqual(
      found.slice(0, 20).map((stored) => stored && numberOf(stored)),
      range(0, 20),
    );
    assert.equal(found[20], undefined);
  });

  test('the age of the oldest message is known at any moment', async () => {
    const disk = model();
    let clock = Date.UTC(2026, 10);
    const now = () => clock;
    const queue = await openOn(disk.start(), { now, segmentBytes: 100_000 });
    assert.equal(queue.oldestAt, undefined);
    for (let n = 0; n < 20; n += 1) {
      await queue.append(message(n));
      clock += 1000;
    }
    const at = (n: number) => Date.UTC(2026, 10) + n * 1000;
    for (let n = 0; n < 20; n += 1) {
      assert.equal(queue.oldestAt, at(n));
      const stored = await take(queue);
      assert.equal(queue.oldestAt, at(n));
      if (n === 10) assert.equal((await openOn(disk.start(), { now })).oldestAt, at(0), 'no head is noted yet');
      if (n === 10) break;
      queue.drop(stored);
    }
  });

  test('while the disk is away, a message is tried again, and none behind it overtakes it', async () => {
    const disk = model();
    let isAway = false;
    const queue = await openOn(disk.start(() => (isAway ? 'EIO' : undefined)));
    await append(queue, 0, 40);
    const found: number[] = [];
    let refused = 0;
    for (let n = 0; found.length < 40; n += 1) {
      isAway = n % 4 !== 0;
      await queue.next().then(
        (stored) => found.push(numberOf(stored ?? assert.fail())),
        (error) => {
          fault('NL-UPLINK-DISK', /^\/q cannot be read: the disk does not work\.$/)(error);
          refused += 1;
        },
      );
    }
    assert.ok(refused > 0);
    assert.deepEqual([found, queue.counts.damaged], [range(0, 40), 0]);
  });

  test('a segment that cannot be removed is told of, and goes with the next start', async () => {
    const disk = model();
    const warnings: string[] = [];
    const sick = disk.start(({ name }) => (name === 'remove' ? 'EPERM' : undefined));
    const queue = await openOn(sick, { warn: (one) => warnings.push(one.message) });
    await append(queue, 0, 25);
    for (let n = 0; n < 25; n += 1) queue.drop(await take(queue));
    await queue.close();
    const [first = ''] = disk.names;
    assert.equal(warnings[0], `${first} cannot be removed: permission denied. No message in it is needed.`);
    const second = await openOn(disk.start());
    assert.deepEqual([second.count, disk.names.length], [0, 1]);
  });
});
