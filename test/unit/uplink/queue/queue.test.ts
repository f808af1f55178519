import assert from 'node:assert/strict';
import { mock, suite, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Stored } from '../../../../agent/uplink/ports.ts';
import { ModelDisk, seeded } from './disk-model.ts';
import { message, numberOf, numbersIn, type Opened, openOn } from './life.ts';

const model = () => new ModelDisk(seeded(1));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const append = (queue: Opened, from: number, to: number) =>
  Promise.all(range(from, to).map((n) => queue.append(message(n))));

async function take(queue: Opened): Promise<Stored> {
  const stored = await queue.next();
  assert.ok(stored !== undefined, 'there is a message');
  return stored;
}

suite('writing', () => {
  test('what comes at once is synced at once', async () => {
    const disk = model();
    const queue = await openOn(disk.start(), { segmentBytes: 100_000 });
    await append(queue, 0, 10);
    assert.deepEqual(disk.calls.slice(-4), ['open wx', 'write', 'datasync', 'syncDirectory']);
    await append(queue, 10, 20);
    assert.deepEqual(disk.calls.slice(-3), ['syncDirectory', 'write', 'datasync']);
  });

  test('what comes during a sync goes with the next one, in the order of the calls', async () => {
    const disk = model();
    const queue = await openOn(disk.start(), { segmentBytes: 100_000 });
    const answers: number[] = [];
    const told = (n: number) => queue.append(message(n)).then(() => answers.push(n));
    const first = told(0);
    while (disk.calls.at(-1) !== 'write') await turn();
    await Promise.all([first, ...range(1, 30).map(told)]);
    assert.deepEqual(disk.calls.filter((name) => name === 'datasync').length, 2);
    assert.deepEqual(answers, range(0, 30));
    assert.deepEqual(await numbersIn(queue), range(0, 30));
  });

  test('nothing is acknowledged, and nothing can be read, before it is synced', async () => {
    const disk = model();
    let isHeld = true;
    const process = disk.start();
    const queue = await openOn({
      ...process,
      async syncDirectory(path) {
        while (isHeld) await turn();
        await process.syncDirectory(path);
      },
    });
    let isStored = false;
    const storing = queue.append(message(0)).then(() => {
      isStored = true;
    });
    while (disk.calls.at(-1) !== 'datasync') await turn();
    for (let n = 0; n < 5; n += 1) await turn();
    assert.deepEqual([isStored, await queue.next(), queue.count, queue.bytes], [false, undefined, 0, 0]);
    isHeld = false;
    await storing;
    assert.equal(numberOf(await take(queue)), 0);
  });

  test('a sync that fails: the messages go into another segment, and the first one is not synced for them again', async () => {
    const disk = model();
    let isSick = false;
    const process = disk.start(({ name }) => {
      const isFailing = isSick && name === 'datasync';
      isSick &&= !isFailing;
      return isFailing ? 'EIO' : undefined;
    });
    const queue = await openOn(process, { segmentBytes: 100_000 });
    await append(queue, 0, 3);
    const [first = ''] = disk.names;
    const before = disk.bytesOf(first);
    isSick = true;
    const from = disk.calls.length;
    await append(queue, 3, 6);
    assert.deepEqual(disk.calls.slice(from), [
      ...['write', 'datasync', 'truncate', 'sync', 'close'],
      ...['open wx', 'write', 'datasync', 'syncDirectory'],
    ]);
    assert.deepEqual(disk.bytesOf(first), before);
    await append(queue, 6, 7);
    assert.deepEqual(await numbersIn(queue), range(0, 7));
    assert.deepEqual(await numbersIn(await openOn(disk.start())), range(0, 7));
  });

  test('a listener hears of each message', async () => {
    const queue = await openOn(model().start());
    let heard = 0;
    queue.onAppend(() => {
      heard += 1;
    });
    await append(queue, 0, 7);
    await turn();
    assert.equal(heard, 7);
  });

  test('a message that is larger than a segment', async () => {
    const disk = model();
    const queue = await openOn(disk.start());
    const large = { topic: 't', payload: Buffer.alloc(20_000, 'y') };
    await append(queue, 0, 2);
    await queue.append(large);
    await append(queue, 2, 4);
    const found = [await take(queue), await take(queue), await take(queue), await take(queue)];
    assert.deepEqual(found[2]?.payload, large.payload);
    assert.deepEqual(
      found.map(({ sequence }) => sequence),
      [1, 2, 3, 4],
    );
    assert.equal(numberOf(found[3] ?? large), 2);
  });

  test('after close, none is taken; what was sent before is stored', async () => {
    const disk = model();
    const queue = await openOn(disk.start());
    const storing = append(queue, 0, 5);
    await Promise.all([queue.close(), queue.close(), storing]);
    await assert.rejects(queue.append(message(5)), /NL-UPLINK-DISK .* takes no message any more/);
    assert.equal(await queue.next(), undefined);
    assert.deepEqual(await numbersIn(await openOn(disk.start())), range(0, 5));
  });
});

suite('reading', () => {
  test('a message is taken once, and again after rewind until it is dropped', async () => {
    const queue = await openOn(model().start());
    await append(queue, 0, 30);
    assert.deepEqual(await numbersIn(queue), range(0, 30));
    assert.equal(await queue.next(), undefined);
    queue.rewind();
    for (let n = 0; n < 12; n += 1) queue.drop(await take(queue));
    queue.rewind();
    assert.deepEqual(await numbersIn(queue), range(12, 30));
    assert.equal(queue.count, 18);
  });

  test('messages are dropped in any order, also after rewind, and twice', async () => {
    const queue = await openOn(model().start());
    await append(queue, 0, 10);
    const taken = [await take(queue), await take(queue), await take(queue), await take(queue)];
    const [zero, one, , three] = taken;
    assert.ok(zero && one && three);
    queue.drop(three);
    queue.drop(one);
    queue.rewind();
    queue.drop(one);
    assert.equal(queue.count, 8);
    assert.equal(numberOf(await take(queue)), 0);
    assert.equal(numberOf(await take(queue)), 2);
    queue.drop(zero);
    queue.rewind();
    assert.deepEqual(await numbersIn(queue), [2, ...range(4, 10)]);
  });

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
    while (disk.calls.length === length) await turn();
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
});

suite('room', () => {
  test('a segment goes when all of it is dropped, wherever it is; the last one stays', async () => {
    const disk = model();
    const queue = await openOn(disk.start());
    await append(queue, 0, 40);
    const segments = disk.names.length;
    assert.ok(segments > 3);
    const all: Stored[] = [];
    for (let n = 0; n < 40; n += 1) all.push(await take(queue));
    for (const stored of all.slice(1).reverse()) queue.drop(stored);
    for (let n = 0; n < 9; n += 1) await turn();
    assert.equal(disk.names.length, 2, 'the first segment has a message, and the last one is written');
    for (const stored of all) queue.drop(stored);
    await queue.close();
    assert.deepEqual([queue.count, queue.bytes, disk.names.length], [0, 0, 2], 'the last segment and the head');
  });

  test('the head is noted after a second or 64 drops, and no timer runs in between', async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.after(() => mock.timers.reset());
    const disk = model();
    const queue = await openOn(disk.start(), { segmentBytes: 100_000 });
    await append(queue, 0, 200);
    const noted = () => disk.names.some((name) => name.endsWith('/head'));
    const drop = async (count: number) => {
      for (let n = 0; n < count; n += 1) queue.drop(await take(queue));
    };
    await drop(63);
    for (let n = 0; n < 9; n += 1) await turn();
    assert.equal(noted(), false);
    await drop(1);
    for (let n = 0; n < 9; n += 1) await turn();
    assert.equal(noted(), true);
    const { length } = disk.calls;
    mock.timers.tick(100_000);
    for (let n = 0; n < 9; n += 1) await turn();
    assert.equal(disk.calls.length, length, 'an idle queue writes nothing');
    await drop(1);
    mock.timers.tick(1000);
    for (let n = 0; n < 9; n += 1) await turn();
    assert.deepEqual(await numbersIn(await openOn(disk.start())), range(65, 200));
  });
});

test('a queue behaves as a list, whatever is done with it', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('take' as const), count: fc.integer({ min: 1, max: 9 }) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('drop' as const), count: fc.nat(20) }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constantFrom('rewind' as const, 'reopen' as const), count: fc.nat(0) }),
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const disk = model();
      let queue = await openOn(disk.start());
      let [waiting, taken, sent]: [number[], Stored[], number] = [[], [], 0];
      for (const { do: what, count } of steps) {
        if (what === 'append') {
          await append(queue, sent, sent + count);
          waiting.push(...range(sent, sent + count));
          sent += count;
        } else if (what === 'take') {
          for (let n = 0; n < count; n += 1) {
            const stored = await queue.next();
            assert.equal(stored && numberOf(stored), waiting.shift());
            if (stored !== undefined) taken.push(stored);
          }
        } else if (what === 'drop') {
          const [stored] = taken.splice(count % Math.max(taken.length, 1), 1);
          if (stored !== undefined) queue.drop(stored);
        } else {
          waiting = [...taken.map(numberOf), ...waiting];
          taken = [];
          if (what === 'rewind') queue.rewind();
          else {
            await queue.close();
            // The head is one number: what was dropped behind an older message comes again.
            const first = waiting[0] ?? sent;
            waiting = range(first, sent);
            queue = await openOn(disk.start());
          }
        }
        assert.equal(queue.count, waiting.length + taken.length);
      }
      await queue.close();
    }),
    { numRuns: 150 },
  );
});
