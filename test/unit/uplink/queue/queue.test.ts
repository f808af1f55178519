import assert from 'node:assert/strict';
import { mock, suite, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import type { Stored } from '../../../../agent/uplink/ports.ts';
import { fault } from '../../state/disk.ts';
import type { ModelDisk } from './disk-model.ts';
import { append, message, model, numberOf, numbersIn, type Opened, openOn, range, take, until } from './life.ts';

suite('writing', () => {
  test('what comes at once is synced at once', async () => {
    const disk = model();
    const queue = await openOn(disk.start(), { segmentBytes: 100_000 });
    await append(queue, 0, 10);
    assert.deepEqual(disk.calls.slice(-5), ['open w', 'write', 'datasync', 'rename', 'syncDirectory']);
    await append(queue, 10, 20);
    assert.deepEqual(disk.calls.slice(-3), ['syncDirectory', 'write', 'datasync']);
  });

  test('what comes during a sync goes with the next one, in the order of the calls', async () => {
    const disk = model();
    const queue = await openOn(disk.start(), { segmentBytes: 100_000 });
    const answers: number[] = [];
    const told = (n: number) => queue.append(message(n)).then(() => answers.push(n));
    const first = told(0);
    await until(() => disk.calls.at(-1) === 'write');
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
    await until(() => disk.calls.at(-1) === 'datasync');
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
      ...['write', 'datasync', 'truncate', 'datasync', 'close'],
      ...['open w', 'write', 'datasync', 'rename', 'syncDirectory'],
    ]);
    assert.deepEqual(
      disk.bytesOf(first),
      before.subarray(0, before.findLastIndex((byte) => byte !== 0) + 1),
      'cut off behind what is good',
    );
    await append(queue, 6, 7);
    assert.deepEqual(await numbersIn(queue), range(0, 7));
    assert.deepEqual(await numbersIn(await openOn(disk.start())), range(0, 7));
  });

  test('a batch that was refused, and could not be cut off, is void when others take its sequences', async () => {
    const disk = model();
    let isSick = false;
    const failing = /datasync|truncate|open w/;
    const queue = await openOn(disk.start(({ name }) => (isSick && failing.test(name) ? 'EIO' : undefined)));
    await append(queue, 0, 3);
    isSick = true;
    await assert.rejects(append(queue, 3, 5), fault('NL-UPLINK-DISK', /cannot be written: the disk does not work/));
    isSick = false;
    await append(queue, 5, 7);
    assert.deepEqual(await numbersIn(await openOn(disk.start())), [0, 1, 2, 5, 6]);
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
    assert.deepEqual([queue.count, queue.bytes, disk.names.length], [0, 0, 1], 'the last one knows the head');
  });

  const turns = async () => {
    for (let n = 0; n < 9; n += 1) await turn();
  };
  const dropSome = async (queue: Opened, count: number) => {
    for (let n = 0; n < count; n += 1) queue.drop(await take(queue));
    await turns();
  };
  /** What would come after a power cut: of all that is written, only what was synced. */
  const left = async (disk: ModelDisk) => {
    const kept = model();
    for (const path of disk.names) kept.put(path, disk.stableBytesOf(path));
    return numbersIn(await openOn(kept.start()));
  };

  test('what was dropped is noted within a second, and durably; without a drop nothing is written', async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.after(() => mock.timers.reset());
    const disk = model();
    const queue = await openOn(disk.start(), { segmentBytes: 100_000 });
    await append(queue, 0, 200);
    await dropSome(queue, 80);
    mock.timers.tick(999);
    await turns();
    assert.deepEqual(await left(disk), range(0, 200));
    mock.timers.tick(1);
    await turns();
    assert.deepEqual(disk.calls.slice(-2), ['write', 'datasync'], 'into the segment');
    assert.deepEqual(await left(disk), range(80, 200));
    const { length } = disk.calls;
    mock.timers.tick(100_000);
    await turns();
    assert.equal(disk.calls.length, length, 'an idle queue writes nothing');
    await dropSome(queue, 120);
    mock.timers.tick(1000);
    await turns();
    assert.deepEqual([await left(disk), queue.count, queue.bytes], [[], 0, 0]);
  });

  test('where messages come, they note it, and nothing else is written', async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.after(() => mock.timers.reset());
    const disk = model();
    const queue = await openOn(disk.start(), { segmentBytes: 100_000 });
    await append(queue, 0, 1);
    const { length } = disk.calls;
    for (let n = 1; n < 30; n += 1) {
      await dropSome(queue, 1);
      mock.timers.tick(800);
      await append(queue, n, n + 1);
      assert.deepEqual(await left(disk), [n]);
    }
    assert.deepEqual(disk.calls.slice(length).filter((name) => name === 'datasync').length, 29);
  });

  test('a reader that takes nothing for two seconds keeps no segment in memory', async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.after(() => mock.timers.reset());
    const disk = model();
    const queue = await openOn(disk.start(), { segmentBytes: 100_000 });
    await append(queue, 0, 20);
    await append(queue, 20, 200);
    const reads = () => disk.calls.filter((name) => name === 'read').length;
    for (let n = 0; n < 100; n += 1) await take(queue);
    const { length } = disk.calls;
    assert.ok(reads() <= 1, 'what was appended while it waited need not be read');
    mock.timers.tick(2000);
    for (let n = 100; n < 200; n += 1) await take(queue);
    assert.equal(
      disk.calls.slice(length).filter((name) => name === 'read').length,
      2,
      'one message, and all the others',
    );
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
