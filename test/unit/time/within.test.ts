import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { later } from '../../../agent/time/after.ts';
import { Queue } from '../../../agent/time/queue.ts';
import { Turns } from '../../../agent/time/turns.ts';
import { within } from '../../../agent/time/within.ts';

const never = new Promise<never>(() => {});
/** Far longer than a test takes. */
const LONG_MS = 20_000;
const late = () => new Error('late');

/** How many timers keep the process alive. */
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

test('work that ends within its limit leaves neither a timer nor a listener behind', async () => {
  const { signal } = new AbortController();
  const before = timers();
  assert.equal(await within(Promise.resolve('done'), { abort: signal, after: { ms: LONG_MS, late } }), 'done');
  await assert.rejects(within(Promise.reject(late()), { abort: signal, after: { ms: LONG_MS, late } }), late());
  assert.deepEqual([timers(), getEventListeners(signal, 'abort').length], [before, 0]);
});

test('an abort ends the wait with its reason, also one that came before', async () => {
  const reason = new Error('enough');
  const abort = new AbortController();
  const waiting = within(never, { abort: abort.signal });
  abort.abort(reason);
  await assert.rejects(waiting, reason);
  await assert.rejects(within(never, { abort: abort.signal }), reason);
});

test('the limit ends the wait with its own error', async () => {
  await assert.rejects(within(never, { after: { ms: 1, late } }), late());
});

test('work in turn: one after the other, in the order of arrival, and a failure holds up nothing', async () => {
  const turns = new Turns();
  const did: string[] = [];
  const work = (name: string, fails = false) =>
    turns.take(async () => {
      did.push(`${name} begins`);
      await setImmediate();
      did.push(`${name} ends`);
      if (fails) throw late();
    });
  const [first, second] = [work('a', true), work('b')];
  await assert.rejects(first, late());
  await second;
  assert.deepEqual(did, ['a begins', 'a ends', 'b begins', 'b ends']);
});

test('a queue that ends drops what waits', async () => {
  const queue = new Queue<number>();
  for (const item of [1, 2, 3]) queue.push(item);
  const got: number[] = [];
  for await (const item of queue) {
    got.push(item);
    queue.end();
  }
  assert.deepEqual(got, [1]);
});

test('a call for later keeps no process alive, and may be called off', (t) => {
  const before = timers();
  later(LONG_MS, () => {})();
  const cancel = later(LONG_MS, () => {});
  assert.equal(timers(), before);
  cancel();
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let calls = 0;
  const call = () => {
    calls += 1;
  };
  later(LONG_MS, call);
  later(LONG_MS, call)();
  t.mock.timers.tick(LONG_MS);
  assert.equal(calls, 1);
});
