import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Reserve, type Space } from '../../../../agent/uplink/queue/reserve.ts';
import { fault } from '../../state/disk.ts';
import { append, message, model, numbersIn, openOn, take } from './life.ts';

const MIB = 1024 * 1024;

/** A file system that the test fills. */
function reserveOf(space: Space) {
  const at = { ...space, ms: 0, looks: 0 };
  const look = async (): Promise<Space> => {
    at.looks += 1;
    return at;
  };
  return { at, reserve: new Reserve({ directory: '/q', monotonic: () => at.ms, space: look }) };
}

test('the last 8 MiB are kept, and what was taken since the last look counts', async () => {
  const { at, reserve } = reserveOf({ free: 9 * MIB, size: 1024 * MIB });
  assert.equal(await reserve.take(MIB / 2), true);
  assert.equal(await reserve.take(MIB / 2), true);
  assert.equal(await reserve.take(1), false);
  at.free = 100 * MIB;
  at.ms = 999;
  assert.equal(await reserve.take(1), false);
  at.ms = 1_000;
  assert.equal(await reserve.take(MIB), true);
  assert.equal(at.looks, 2);
});

test('many who ask at once share one look, and one space', async () => {
  const { at, reserve } = reserveOf({ free: 9 * MIB, size: 1024 * MIB });
  const answers = await Promise.all(Array.from({ length: 32 }, () => reserve.take(MIB / 4)));
  assert.equal(answers.filter(Boolean).length, 4);
  assert.equal(at.looks, 1);
});

test('of a small file system, an eighth', async () => {
  const { reserve } = reserveOf({ free: 3 * MIB, size: 16 * MIB });
  assert.equal(await reserve.take(MIB), true);
  assert.equal(await reserve.take(1), false);
});

test('a file system that does not tell sets no bound', async () => {
  assert.equal(await reserveOf({ free: 0, size: 0 }).reserve.take(MIB), true);
  const space = () => Promise.reject(new Error('ENOSYS'));
  assert.equal(await new Reserve({ directory: '/q', monotonic: () => 0, space }).take(MIB), true);
});

test('a queue refuses what would take them, and takes again when there is room', async () => {
  const { at, reserve } = reserveOf({ free: 8 * MIB, size: 1024 * MIB });
  const queue = await openOn(model().start(), { reserve });
  await assert.rejects(queue.append(message(0)), fault('NL-UPLINK-DISK', /kept for the state of the leaf/));
  Object.assign(at, { free: 9 * MIB, ms: 1_000 });
  await queue.append(message(1));
  assert.deepEqual(await numbersIn(queue), [1]);
});

test('a note of the head takes none of it, and is tried again; at the end it needs some bytes only', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const disk = model();
  await append(await openOn(disk.start()), 0, 5);
  const { at, reserve } = reserveOf({ free: 8 * MIB, size: 1024 * MIB });
  const warnings: string[] = [];
  const queue = await openOn(disk.start(), { reserve, warn: (met) => warnings.push(met.message) });
  queue.drop(await take(queue));
  for (let second = 0; second < 3; second += 1) {
    at.ms += 1_000;
    mock.timers.tick(1_000);
    for (let n = 0; n < 9; n += 1) await turn();
  }
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0] ?? '',
    /kept for the state of the leaf\. After a restart, messages are sent a second time\.$/,
  );
  await queue.close();
  assert.deepEqual(await numbersIn(await openOn(disk.start())), [1, 2, 3, 4]);
});
