import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Attempt } from '../../../agent/mqtt/attempt.ts';
import { Beside } from '../../../agent/network/beside.ts';
import { Network } from '../../../agent/network/network.ts';
import { deafen } from '../../deaf.ts';

const ALONE_MS = 5_000;

function stage(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const first: Attempt = { phase: 'tcp' };
  const socket = new Socket();
  const calls: AbortSignal[] = [];
  let answer: (socket: Socket) => void = () => {};
  const beside = new Beside((abort) => {
    calls.push(abort);
    return new Promise((resolve) => {
      answer = resolve;
    });
  });
  const overtaken = beside.watch(first, ALONE_MS);
  return {
    first,
    socket,
    calls,
    beside,
    overtaken,
    pass: (ms: number) => t.mock.timers.tick(ms),
    /** The second way is connected. */
    async connected() {
      answer(socket);
      await new Promise(setImmediate);
    },
  };
}

test('the first way gives no answer: the second begins after its time, and overtakes when it is connected', async (t) => {
  const { calls, pass, overtaken, connected, beside, socket } = stage(t);
  pass(ALONE_MS - 1);
  assert.equal(calls.length, 0);
  pass(1);
  assert.equal(calls.length, 1);
  assert.equal(overtaken.aborted, false);
  await connected();
  assert.equal(overtaken.aborted, true);
  assert.equal(await beside.take(), socket);
  beside.leave();
  await new Promise(setImmediate);
  assert.equal(socket.destroyed, false, 'it is in use');
  assert.equal(calls.length, 1);
});

test('the first way has its connection: the second does not begin', (t) => {
  const { first, calls, pass, overtaken } = stage(t);
  first.phase = 'tls';
  pass(ALONE_MS);
  assert.deepEqual([calls.length, overtaken.aborted], [0, false]);
});

test('the first way is late, and still before the second: it goes on, and the second is ended', async (t) => {
  const { first, calls, pass, overtaken, connected, socket } = stage(t);
  pass(ALONE_MS);
  first.phase = 'tls';
  await connected();
  assert.deepEqual([overtaken.aborted, socket.destroyed, calls[0]?.aborted], [false, true, true]);
});

test('the first way fails before its time is up: the second begins at once', async (t) => {
  const { calls, connected, beside, socket, overtaken, pass } = stage(t);
  const taken = beside.take();
  await connected();
  assert.equal(await taken, socket);
  pass(ALONE_MS);
  assert.deepEqual([calls.length, overtaken.aborted], [1, false]);
});

test('what was begun ends with the attempt, also where it answers after that', async (t) => {
  const { calls, pass, beside, connected, socket } = stage(t);
  pass(ALONE_MS);
  beside.leave();
  assert.equal(calls[0]?.aborted, true);
  await connected();
  assert.equal(socket.destroyed, true);
});

test('neither way: undefined', async () => {
  const beside = new Beside(async () => {
    throw new Error('no route');
  });
  assert.equal(await beside.take(), undefined);
});

test('an attempt that has ended begins nothing any more: a connection would belong to nothing', async (t) => {
  const host = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  let taken = 0;
  const server = createServer((socket) => {
    taken += 1;
    socket.end();
  }).listen(443, host);
  await once(server, 'listening');
  t.after(() => server.close());
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const settings = { transport: 'auto', proxy_username: '', no_proxy: [] } as const;
  const { reach } = new Network({ settings, now: () => 0, aloneMs: ALONE_MS });
  const down = new Error('no route');
  const attempt = reach(host, new AbortController().signal, async ({ attempt: first }) => {
    first.socketError = 'ENETUNREACH';
    throw down;
  });
  await assert.rejects(attempt, down);
  t.mock.timers.tick(ALONE_MS);
  await new Promise(setImmediate);
  // Connections are taken in the order in which they came.
  await once(connect(443, host).resume(), 'close');
  assert.equal(taken, 1);
});

test('an attempt that is ended while the second way waits for its connection ends at once', {
  timeout: 20_000,
}, async (t) => {
  const host = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  await deafen(t, 443, host);
  const settings = { transport: 'auto', proxy_username: '', no_proxy: [] } as const;
  const { reach } = new Network({ settings, now: () => 0 });
  const over = new AbortController();
  const attempt = reach(host, over.signal, async ({ attempt: first }) => {
    first.socketError = 'ECONNREFUSED';
    setImmediate(() => over.abort(new Error('the end')));
    throw new Error('no route');
  });
  await assert.rejects(attempt, /the end/);
});
