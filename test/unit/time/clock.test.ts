import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, systemClock } from '../../../agent/time/clock.ts';
import { TestClock } from '../clock.ts';

const never = new AbortController().signal;

test('the system clock sleeps by monotonic time and tells the wall clock', async () => {
  const before = { wall: Date.now(), monotonic: systemClock.monotonic() };
  await systemClock.sleep(5, never);
  assert.ok(systemClock.monotonic() - before.monotonic >= 4);
  assert.ok(systemClock.now() >= before.wall && systemClock.now() <= Date.now());
});

for (const [name, clock] of [
  ['system', systemClock],
  ['test', new TestClock()],
] as const satisfies [string, Clock][])
  test(`the ${name} clock ends a sleep early without an error, even one of a hundred days`, async (t) => {
    const warned: string[] = [];
    const hear = ({ name }: Error) => void warned.push(name);
    process.on('warning', hear);
    t.after(() => process.off('warning', hear));
    const abort = new AbortController();
    const slept = clock.sleep(100 * 86_400_000, abort.signal).then(() => 'woken');
    assert.equal(await Promise.race([slept, new Promise((resolve) => setImmediate(resolve, 'asleep'))]), 'asleep');
    assert.deepEqual(warned, [], 'a sleep that is too long for a timer would end at once');
    abort.abort();
    assert.equal(await slept, 'woken');
    await clock.sleep(86_400_000, abort.signal);
  });

test('the test clock waits for a sleeper, and wakes it not a millisecond early', async () => {
  const clock = new TestClock('2030-01-01T00:00:00Z');
  let woken = 0;
  const code = (async () => {
    await new Promise((resolve) => setImmediate(resolve));
    await clock.sleep(1500, never);
    woken = clock.now();
  })();
  assert.equal(await clock.asleep(), 1500);
  await clock.pass(1499);
  assert.equal(woken, 0);
  await clock.pass(1);
  assert.equal(woken, Date.parse('2030-01-01T00:00:01.500Z'));
  await code;
});

test('a sleeper that sleeps again within the time that passes wakes again', async () => {
  const clock = new TestClock(0);
  const wakes: number[] = [];
  void (async () => {
    for (;;) {
      await clock.sleep(60_000, never);
      wakes.push(clock.now());
    }
  })();
  await clock.asleep();
  await clock.pass(150_000);
  assert.deepEqual(wakes, [60_000, 120_000]);
  assert.equal(clock.now(), 150_000);
  assert.equal(await clock.asleep(), 30_000);
});

test('a step moves the wall clock only', async () => {
  const clock = new TestClock(1_000_000);
  const slept = clock.sleep(10, never);
  clock.step(-500_000);
  assert.equal(clock.now(), 500_000);
  assert.equal(clock.monotonic(), 0);
  assert.equal(await clock.asleep(), 10);
  await clock.pass(10);
  await slept;
});
