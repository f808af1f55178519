import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Fault } from '../../../agent/failure/failure.ts';
import { current, DAY, Disk, gateway, HOUR, MINUTE, serving } from './gateway.ts';

const throttled = () =>
  Promise.reject(new Fault('NL-HUB-TWIN', { message: 'The hub refused the reported properties.' }));

/** A gateway whose twin takes nothing until a test says so. */
async function refusing(t: TestContext) {
  const twin = { takes: false, writes: [] as object[], tries: 0 };
  const stage = await gateway(t, new Disk(serving), {
    report(reported) {
      twin.tries += 1;
      if (!twin.takes) return throttled();
      twin.writes.push(reported);
      return Promise.resolve();
    },
  });
  return { ...stage, twin };
}

test('a twin that is throttled gets its report later, and it is told once', async (t) => {
  const { clock, twin, told } = await refusing(t);
  assert.equal(twin.tries, 1);
  await clock.pass(HOUR);
  const { tries } = twin;
  assert.ok(tries > 5 && tries <= 15, `${tries} in an hour`);
  assert.equal(told('twin-unwritten').length, 1);
  twin.takes = true;
  await clock.pass(13 * MINUTE);
  assert.equal(twin.writes.length, 1);
  assert.equal(told('twin-written').length, 1);
  await clock.pass(DAY);
  assert.equal(twin.writes.length, 1);
});

test('the newest report is the one that arrives', async (t) => {
  const { ask, clock, twin } = await refusing(t);
  assert.equal((await ask({ kind: 're-register', from: 'method', id: 'fleet-job-7', delayMs: 0 }, MINUTE)).status, 202);
  twin.takes = true;
  await clock.pass(HOUR);
  assert.equal(twin.writes.length, 1);
  const [written] = twin.writes as { last?: { id: string; outcome: string } }[];
  assert.deepEqual([written?.last?.id, written?.last?.outcome], ['fleet-job-7', 'done']);
});

test('neither a newer report nor a new session waits for the pause before it', async (t) => {
  const { ask, clock, lose, twin } = await refusing(t);
  await clock.pass(HOUR);
  let { tries } = twin;
  await ask({ kind: 're-register', from: 'technician', id: 'r1', delayMs: 0 }, 0);
  assert.ok(twin.tries > tries, 'a newer report');
  await clock.pass(HOUR);
  tries = twin.tries;
  await lose(current.thumbprint, HOUR);
  await clock.pass(0);
  assert.equal(twin.tries, tries + 1, 'a new session');
  await clock.pass(MINUTE / 10);
  assert.equal(twin.tries, tries + 2, 'whose ladder begins anew');
});

test('without a session nothing is tried, and the next one begins anew', async (t) => {
  let takes = false;
  let tries = 0;
  let connects = true;
  const { clock, lose } = await gateway(t, new Disk(serving), {
    report() {
      tries += 1;
      return takes ? Promise.resolve() : throttled();
    },
    async connect() {
      if (!connects) throw new Fault('NL-HUB-UNREACHABLE');
    },
  });
  connects = false;
  await lose(current.thumbprint, HOUR);
  const before = tries;
  await clock.pass(10 * MINUTE);
  assert.equal(tries, before);
  [connects, takes] = [true, true];
  await clock.pass(2 * MINUTE);
  assert.equal(tries, before + 1);
});

test('one write at a time, however often the state changes while it lasts', async (t) => {
  const open: (() => void)[] = [];
  let most = 0;
  const { ask } = await gateway(t, new Disk(serving), {
    report: () =>
      new Promise<void>((resolve) => {
        open.push(resolve);
        most = Math.max(most, open.length);
      }),
  });
  for (let round = 0; round < 10; round += 1)
    await ask({ kind: 're-register', from: 'technician', id: `r${round}`, delayMs: 0 });
  assert.equal(most, 1);
  open.shift()?.();
  await setImmediate();
  await setImmediate();
  assert.equal(open.length, 1, 'what has changed since is written next');
});
