import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, constants, openSync, read, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createNotify, type Notify } from '../../../agent/machine/notify.ts';
import { TestClock } from '../clock.ts';
import { scratch } from '../state/disk.ts';

const { O_RDWR, O_NONBLOCK } = constants;
/** The longest that a pipe takes as a whole. */
const PIPE_BUF = 4_096;
const LIMIT_MS = 5_000;

/** A pipe stands in for the queue of systemd's socket: a write to a full one does not end before somebody reads. */
function fullPipe(t: TestContext) {
  const path = join(scratch(t), 'pipe');
  assert.equal(spawnSync('mkfifo', [path]).status, 0);
  const [fd, other] = [openSync(path, O_RDWR), openSync(path, O_RDWR | O_NONBLOCK)];
  t.after(() => [fd, other].map(closeSync));
  const filler = Buffer.alloc(PIPE_BUF, '.');
  let filled = 0;
  assert.throws(
    () => {
      for (;;) filled += writeSync(other, filler);
    },
    { code: 'EAGAIN' },
  );
  // No more than that: the write that waits may come in between.
  const drain = () => {
    while (filled > 0) filled -= readSync(other, filler, 0, Math.min(filled, PIPE_BUF), null);
  };
  return { fd, drain };
}

/** Waits for what comes next. */
const heard = (fd: number): Promise<string> =>
  new Promise((resolve, reject) => {
    read(fd, (cause, bytes, data) => (cause === null ? resolve(data.toString('utf8', 0, bytes)) : reject(cause)));
  });

/** Messages until one is sent: that a write has ended is seen by nothing else. */
async function sent(send: () => Promise<void>, causes: readonly string[]): Promise<void> {
  for (let before = -1; before !== causes.length; await setImmediate()) {
    before = causes.length;
    await send();
  }
}

/** A daemon that systemd has started: its socket has this descriptor. */
function started(fd: number, causes: string[]): { readonly notify: Notify; readonly clock: TestClock } {
  const clock = new TestClock();
  const names = `${':'.repeat(fd - 3)}notify`;
  const env = { NOTIFY_SOCKET: '/run/systemd/notify', LISTEN_PID: `${process.pid}`, LISTEN_FDNAMES: names, PATH: '' };
  return { clock, notify: createNotify(env, ({ message }) => causes.push(message), clock) };
}

/** One that has said READY=1, which systemd has not taken yet. */
async function unheard(t: TestContext) {
  const { fd, drain } = fullPipe(t);
  const causes: string[] = [];
  const { notify, clock } = started(fd, causes);
  const ready = notify.ready();
  await clock.asleep();
  return { fd, drain, causes, notify, clock, ready };
}

test('while systemd takes no message, one write waits; it arrives late, and all is well again', async (t) => {
  const { fd, drain, causes, notify, clock, ready } = await unheard(t);
  await clock.pass(LIMIT_MS - 1);
  assert.deepEqual(causes, []);
  await clock.pass(1);
  await ready;
  await notify.status('not sent');
  assert.deepEqual(causes, ['systemd takes no message', 'systemd takes no message']);

  drain();
  assert.equal(await heard(fd), 'NOTIFYACCESS=main\nREADY=1');
  await sent(() => notify.status('serving'), causes);
  assert.equal(await heard(fd), 'STATUS=serving');
  await notify.stopping();
  assert.equal(await heard(fd), 'STOPPING=1');
});

test('a write that ends in time is one message, and no time is waited for', async (t) => {
  const { fd, drain, causes, ready } = await unheard(t);
  drain();
  await ready;
  assert.equal(await heard(fd), 'NOTIFYACCESS=main\nREADY=1');
  assert.deepEqual(causes, []);
});
