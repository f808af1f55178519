import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fault } from '../../state/disk.ts';
import { tinyDisk } from '../../state/tiny-disk.ts';
import { append, message, numbersIn, openIn as open, range } from './life.ts';

test('a full disk: what was acknowledged stays, what was refused does not come, and it goes on by itself', async (t) => {
  const disk = tinyDisk(t, 'size=1m');
  const directory = join(disk.path, 'sensors');
  const warnings: string[] = [];
  const queue = await open(directory, ({ message: words }) => warnings.push(words));
  const acked: number[] = [];
  const isFull = fault('NL-UPLINK-DISK', /sensors cannot be written: no space is left on the file system\.$/);
  /** @returns how many were refused */
  const store = async (from: number, to: number) => {
    const answers = await Promise.allSettled(range(from, to).map((n) => queue.append(message(n))));
    const refused = answers.filter(({ status }) => status === 'rejected');
    for (const answer of refused) isFull('reason' in answer ? answer.reason : undefined);
    acked.push(...range(from, to).filter((_, index) => answers[index]?.status === 'fulfilled'));
    return refused.length;
  };
  let [sent, refused] = [0, 0];
  for (; refused < 500; sent += 50) refused += await store(sent, sent + 50);
  assert.ok(acked.length > 8000, `${acked.length}`);
  const second = await open(directory);
  assert.deepEqual(await numbersIn(second), acked);
  await second.close();
  for (let n = 0; n < 6000; n += 1) queue.drop((await queue.next()) ?? assert.fail());
  assert.equal(await store(sent, sent + 3000), 0, 'there is room again');
  await queue.close();
  assert.deepEqual(warnings, [], 'the last segment had room for the head');
  const third = await open(directory);
  assert.deepEqual(await numbersIn(third), acked.slice(6000));
  await third.close();
});

test('a read-only disk: its messages can be read, and none is taken', async (t) => {
  const disk = tinyDisk(t, 'size=1m');
  const directory = join(disk.path, 'sensors');
  const first = await open(directory);
  await append(first, 0, 5);
  await first.close();
  disk.makeReadOnly();
  const queue = await open(directory);
  assert.deepEqual(await numbersIn(queue), range(0, 5));
  await assert.rejects(
    append(queue, 5, 6),
    fault('NL-UPLINK-DISK', /cannot be written: the file system is read-only\.$/),
  );
  await queue.close();
});
