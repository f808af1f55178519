import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { askSocket, events } from '../../../agent/control/client.ts';
import { fault } from '../state/disk.ts';
import { daemon, latch } from './daemon.ts';

test('an ask goes in, its answer comes out with its status', async (t) => {
  const { socket, asks, logged } = await daemon(t);
  assert.deepEqual(await askSocket(socket, 'GET', '/v1/status'), { status: 202, body: { id: '1' } });
  assert.deepEqual(await askSocket(socket, 'POST', '/v1/roll', { id: 'x' }), { status: 202, body: { id: '1' } });
  assert.deepEqual(asks, [
    { kind: 'status' },
    { kind: 'roll', from: 'technician', id: 'x', delayMs: 0, discard: false },
  ]);
  assert.deepEqual(await askSocket(socket, 'GET', '/metrics'), { status: 200, body: 'newleaf_up 1\n' });
  assert.deepEqual(logged, []);
});

const REFUSED: readonly (readonly [
  method: 'GET' | 'POST',
  path: string,
  body: object | undefined,
  status: number,
  message: RegExp,
])[] = [
  ['GET', '/', undefined, 404, /There is no \/ here/],
  ['GET', '/v2/status', undefined, 404, /There is no \/v2\/status here/],
  ['GET', '/toString', undefined, 404, /There is no/],
  ['POST', '/v1/status', {}, 405, /\/v1\/status takes GET/],
  ['GET', '/v1/roll?now', undefined, 405, /\/v1\/roll takes POST/],
  ['POST', '/v1/roll', { force: true }, 400, /^force is not known here/],
  ['POST', '/v1/roll', { id: 'x'.repeat(70_000) }, 413, /longer than 65536 bytes/],
  ['POST', '/v1/leaf', { leaf: 'A'.repeat(600_000) }, 413, /longer than 524288 bytes/],
];

test('what nobody knows is refused in words, and never reaches the daemon', async (t) => {
  const { socket, asks } = await daemon(t);
  for (const [method, path, body, status, message] of REFUSED) {
    const reply = await askSocket(socket, method, path, body);
    assert.equal(reply.status, status, path);
    assert.match((reply.body as { message: string }).message, message);
  }
  assert.deepEqual(asks, []);
});

test('a defect behind the socket is answered, logged, and survived', async (t) => {
  const { socket, logged } = await daemon(t, { answer: () => Promise.reject(new Error('boom')) });
  const { status, body } = await askSocket(socket, 'GET', '/v1/status');
  assert.deepEqual([status, (body as { code: string }).code], [500, 'NL-INTERNAL']);
  assert.match(String(logged[0]?.cause), /boom/);
  assert.equal((await askSocket(socket, 'GET', '/metrics')).status, 200);
});

test('clients that talk nonsense, leave in the middle, or leave before the answer do no harm', async (t) => {
  const gate = latch();
  const asked = latch();
  const { socket, logged } = await daemon(t, {
    async answer() {
      asked.open();
      await gate.opened;
      return { status: 200, body: {} };
    },
  });
  const nonsense = connect(socket).end('\x16\x03\x01 hello\r\n\r\n').resume();
  await once(nonsense, 'close');
  const half = connect(socket, () =>
    half.write('POST /v1/roll HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{"i', () => half.destroy()),
  );
  await once(half, 'close');
  const hasty = httpRequest({ socketPath: socket, path: '/v1/status' }).on('error', () => {});
  hasty.end();
  await asked.opened;
  hasty.destroy();
  await new Promise((resolve) => hasty.once('close', resolve));
  gate.open();
  assert.equal((await askSocket(socket, 'GET', '/metrics')).status, 200);
  assert.deepEqual(logged, []);
});

test('every watcher gets each transition once, also one that comes in pieces, and is forgotten when it leaves', async (t) => {
  const { socket, listeners, listenersChange } = await daemon(t);
  const why = `line\n\n${'x'.repeat(200_000)}`;
  const left = { type: 'transition', at: '', from: 'serving', to: 'registering', why } as const;
  const back = { type: 'transition', at: '', from: 'registering', to: 'serving', why: 'registered' } as const;
  const leave = new AbortController();
  const watchers = [events(socket, leave.signal), events(socket, leave.signal)];
  const first = watchers.map((watcher) => watcher.next());
  while (listeners.size < 2) await listenersChange();
  for (const listener of listeners) {
    listener(left);
    listener(back);
  }
  for (const [index, watcher] of watchers.entries()) {
    assert.deepEqual((await first[index])?.value, left);
    assert.deepEqual((await watcher.next()).value, back);
  }
  const last = watchers.map((watcher) => watcher.next());
  leave.abort();
  assert.deepEqual(
    (await Promise.all(last)).map(({ done }) => done),
    [true, true],
  );
  while (listeners.size > 0) await listenersChange();
});

test('the events are server-sent events, which no cache keeps', async (t) => {
  const { socket: socketPath } = await daemon(t);
  const [response] = await once(httpRequest({ socketPath, path: '/v1/events' }).end(), 'response');
  const { 'content-type': type, 'cache-control': cache } = response.headers;
  assert.deepEqual([response.statusCode, type, cache], [200, 'text/event-stream', 'no-store']);
  response.destroy();
});

test('a watcher that does not read is cut off', async (t) => {
  const { socket, listeners, listenersChange } = await daemon(t);
  const deaf = connect(socket, () => deaf.write('GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n'));
  t.after(() => deaf.destroy());
  deaf.pause();
  await listenersChange();
  for (let sent = 0; sent < 1000 && listeners.size > 0; sent++) {
    for (const listener of listeners) listener({ type: 'online', hub: 'x'.repeat(10_000) });
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(listeners.size, 0);
});

test('a watcher and a waiting client are told when the daemon goes away', async (t) => {
  const asked = latch();
  const { socket, listenersChange, close } = await daemon(t, {
    answer() {
      asked.open();
      return new Promise(() => {});
    },
  });
  const watched = events(socket, new AbortController().signal).next();
  const waiting = askSocket(socket, 'GET', '/v1/status');
  const told = Promise.all([
    assert.rejects(watched, fault('NL-DAEMON-DOWN', /went away/)),
    assert.rejects(waiting, fault('NL-DAEMON-DOWN', /went away/)),
  ]);
  await Promise.all([listenersChange(), asked.opened]);
  await close();
  await told;
});

test('a daemon that hangs is told apart from one that is down', async (t) => {
  const { socket } = await daemon(t, { answer: () => new Promise(() => {}) });
  await assert.rejects(
    askSocket(socket, 'GET', '/v1/status', undefined, 50),
    fault('NL-DAEMON-DOWN', /did not answer within 0.05 s/),
  );
});
