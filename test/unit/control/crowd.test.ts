import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { askSocket, downFault } from '../../../agent/control/client.ts';
import { fault, scratch } from '../state/disk.ts';
import { type Daemon, daemon, latch } from './daemon.ts';

/** Timers that ring when the test says so. */
class Timers {
  readonly set = new Set<{ readonly ms: number; readonly call: () => void }>();

  readonly after = (ms: number, call: () => void): (() => void) => {
    const timer = { ms, call };
    this.set.add(timer);
    return () => void this.set.delete(timer);
  };

  ring(): void {
    for (const timer of this.set) {
      this.set.delete(timer);
      timer.call();
    }
  }
}

async function crowded(t: TestContext): Promise<Daemon & { readonly timers: Timers }> {
  const timers = new Timers();
  return { ...(await daemon(t, { after: timers.after })), timers };
}

/** Connects, and says so much. */
async function visitor(t: TestContext, socket: string, words: string): Promise<Socket> {
  const visitor = connect(socket).on('error', () => {});
  t.after(() => visitor.destroy());
  await once(visitor, 'connect');
  visitor.resume().write(words);
  return visitor;
}

const HALF = 'GET /v1/status HTTP/1.1\r\nHost: x\r\n';
const ended = (one: Socket) => once(one, 'close');

test('64 half requests keep nobody out: the oldest makes room for who comes next', async (t) => {
  const { socket, asks } = await crowded(t);
  const visitors: Socket[] = [];
  for (let number = 0; number < 64; number += 1) visitors.push(await visitor(t, socket, HALF));
  const oldest = visitors.slice(0, 3).map(ended);
  for (let number = 0; number < 3; number += 1) {
    const { status } = await askSocket(socket, 'GET', '/v1/status', undefined, 5_000);
    assert.equal(status, 202);
    // What has been answered is gone, and has left its place.
    await visitor(t, socket, HALF);
  }
  await Promise.all(oldest);
  assert.equal(asks.length, 3);
  assert.equal(visitors.filter(({ destroyed }) => destroyed).length, 3);
});

test('who listens, or waits for an answer, stays while there are half requests to make room', async (t) => {
  const answer = latch();
  const held = await daemon(t, {
    answer: async () => {
      await answer.opened;
      return { status: 202, body: { id: '1' } };
    },
    after: new Timers().after,
  });
  const change = held.listenersChange();
  await visitor(t, held.socket, 'GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
  await change;
  const answered = askSocket(held.socket, 'POST', '/v1/csr', {}, 20_000);
  for (let number = 0; number < 100; number += 1) await visitor(t, held.socket, HALF);
  assert.equal(held.listeners.size, 1);
  answer.open();
  assert.equal((await answered).status, 202);
});

test('listeners alone fill it: then the oldest of them makes room', async (t) => {
  const { socket, listeners, listenersChange } = await crowded(t);
  for (let number = 0; number < 64; number += 1) {
    const change = listenersChange();
    await visitor(t, socket, 'GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
    await change;
  }
  assert.equal((await askSocket(socket, 'GET', '/v1/status', undefined, 5_000)).status, 202);
  assert.equal(listeners.size, 63);
});

const unfinished: readonly (readonly [what: string, words: string])[] = [
  ['nothing', ''],
  ['half a head', HALF],
  ['half a body', 'POST /v1/roll HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{'],
  ['half a body in chunks', 'POST /v1/roll HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n'],
  ['half of a second request', `GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n${HALF}`],
];
for (const [what, words] of unfinished) {
  test(`a connection has ten seconds for its request: ${what}`, async (t) => {
    const { socket, timers, asks } = await crowded(t);
    const one = await visitor(t, socket, words);
    // What was said has arrived when somebody who came later has been answered.
    await askSocket(socket, 'GET', '/metrics');
    while (timers.set.size !== 1) await once(one, 'data');
    assert.deepEqual(
      [...timers.set].map(({ ms }) => ms),
      [10_000],
    );
    const closed = ended(one);
    timers.ring();
    await closed;
    assert.deepEqual(asks, []);
  });
}

test('a request that is complete has all the time of its answer, and a listener that of the daemon', async (t) => {
  const { socket, timers, listeners, listenersChange } = await crowded(t);
  const change = listenersChange();
  await visitor(t, socket, 'GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
  await change;
  assert.equal(timers.set.size, 0);
  timers.ring();
  assert.equal((await askSocket(socket, 'GET', '/metrics')).status, 200);
  assert.equal(listeners.size, 1);
});

test('a daemon that accepts no connection is another thing than none', async (t) => {
  const socket = join(scratch(t), 'control.sock');
  await assert.rejects(askSocket(socket, 'GET', '/v1/status'), fault('NL-DAEMON-DOWN', /^The daemon does not run: /));
  const full = createServer((one) => one.destroy()).listen(socket);
  t.after(() => full.close());
  await once(full, 'listening');
  await assert.rejects(
    askSocket(socket, 'GET', '/v1/status'),
    fault('NL-CONTROL-BUSY', /^The daemon runs, and accepts no connection on .*control\.sock\.$/),
  );
});

test('a daemon that is killed closes the connection before its socket: that is none', async (t) => {
  const socket = join(scratch(t), 'control.sock');
  const dying = createServer().listen(socket);
  await once(dying, 'listening');
  const cut = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
  const ending = async () => void (await once(dying.close(), 'close'));
  const { failure } = await downFault(cut, socket, ending);
  assert.deepEqual([failure.code, failure.message], ['NL-DAEMON-DOWN', 'The daemon went away before it had answered.']);
});
