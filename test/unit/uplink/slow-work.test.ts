import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { slowWork } from '../../../agent/uplink/slow-work.ts';

test('two at a time, in the order of asking; one that fails holds up no other', async () => {
  let running = 0;
  let most = 0;
  const begun: number[] = [];
  const work = (n: number) => async () => {
    begun.push(n);
    running += 1;
    most = Math.max(most, running);
    await setImmediate();
    running -= 1;
    if (n % 3 === 0) throw new Error('the disk does not work');
    return n;
  };
  const numbers = Array.from({ length: 20 }, (_, n) => n);
  const done = await Promise.allSettled(numbers.map((n) => slowWork.take(work(n))));
  assert.deepEqual([most, begun], [2, numbers]);
  assert.equal(done.filter(({ status }) => status === 'rejected').length, 7);
});
