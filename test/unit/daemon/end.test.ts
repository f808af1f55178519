import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Fault } from '../../../agent/failure/failure.ts';
import { TestClock } from '../clock.ts';
import { made } from '../roll/memories.ts';
import { DAY, Disk, type Far, gateway, MINUTE, never, serving } from './gateway.ts';

const rolling = { ...serving, next: made() };

/** What a daemon that is told to end still does in the day after. */
async function after(t: TestContext, far: Far) {
  const { clock, counts, stop } = await gateway(t, new Disk(rolling), far);
  await clock.pass(MINUTE);
  const before = { ...counts };
  assert.equal(await stop(), 'stopped');
  await setImmediate();
  // A sleep keeps the process alive.
  assert.equal(await Promise.race([clock.asleep(), setImmediate('nothing sleeps')]), 'nothing sleeps');
  await clock.pass(DAY);
  return { before, counts };
}

test('what is tried by a ladder, and what the twin does not take, is not tried any more', async (t) => {
  const issue = () => Promise.reject(new Fault('NL-EST-SERVER'));
  const report = () => Promise.reject(new Fault('NL-HUB-TWIN'));
  const { before, counts } = await after(t, { issue, report });
  assert.deepEqual(counts, before);
  assert.ok(before.issue > 1 && before.report > 1);
});

test('what is in flight is given up', async (t) => {
  let abort: AbortSignal | undefined;
  await after(t, {
    issue(_, signal) {
      abort = signal;
      return never();
    },
  });
  assert.equal(abort?.aborted, true);
});

test('the answers that are on their way to the hub are waited for', async (t) => {
  let closed = () => {};
  const close = () =>
    new Promise<void>((resolve) => {
      closed = resolve;
    });
  const { clock, stop } = await gateway(t, new Disk(serving), { close });
  let ending: string | undefined;
  const ended = stop().then((how) => {
    ending = how;
  });
  await clock.pass(MINUTE);
  assert.equal(ending, undefined);
  closed();
  await ended;
  assert.equal(ending, 'stopped');
});

test('told to end while it looks at the token, before it has begun', async (t) => {
  const abort = new AbortController();
  const given = async () => {
    abort.abort();
    return undefined;
  };
  const { counts, ended } = await gateway(t, new Disk(), {}, { given }, new TestClock(), abort);
  assert.equal(await ended, 'stopped');
  assert.equal(counts.generate, 0);
});
