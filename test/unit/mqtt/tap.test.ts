import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { test } from 'node:test';
import type { TlsOptions } from 'node:tls';
import mqttPacket from 'mqtt-packet';
import type { Attempt } from '../../../agent/mqtt/attempt.ts';
import type { TapOptions } from '../../../agent/mqtt/tap.ts';
import { withEnvironment } from '../../put-back.ts';
import { LOOPBACK, TestCa } from './certificates.ts';
import { FarSide, type Script } from './far-side.ts';
import { settled } from './settled.ts';
import { ca, connected, OPTIONS, server, tapTo } from './tapped.ts';

/** Connects, ends as soon as CONNACK 0 is there, and gives what the tap wrote down. */
async function attemptAt(host: string, more: Partial<TapOptions> = {}): Promise<Attempt> {
  const tap = tapTo(host, { connectMs: 5_000, ...more });
  const client = tap.connect('', OPTIONS);
  client.on('connect', () => tap.end());
  client.on('error', () => client.end(true));
  await tap.closed;
  return tap.attempt;
}

const rejecting = { ca: ca.cert, rejectUnauthorized: true };
const foreign = { connector: ca.connector(new TestCa().issue('gw-0001')) };

/** The table of what a tap sees: far side, then phase, CONNACK, code of the socket's error. */
const ROWS: readonly (readonly [string, Script, TlsOptions, Partial<TapOptions>, Partial<Attempt>])[] = [
  ['CONNACK 0', {}, {}, {}, { phase: 'connected', connack: 0 }],
  ['CONNACK 5', { connack: 5 }, {}, {}, { phase: 'refused', connack: 5 }],
  ['CONNACK 4', { connack: 4 }, {}, {}, { phase: 'refused', connack: 4 }],
  ['CONNACK 3', { connack: 3 }, {}, {}, { phase: 'refused', connack: 3 }],
  ['close before CONNACK', { connack: 'close' }, {}, {}, { phase: 'connack' }],
  ['CONNACK never', { connack: 'none' }, {}, { connectMs: 200 }, { phase: 'connack', socketError: 'ETIMEDOUT' }],
  ['our certificate rejected, TLS 1.3', {}, rejecting, foreign, { phase: 'connack' }],
  ['our certificate rejected, TLS 1.2', {}, { ...rejecting, maxVersion: 'TLSv1.2' }, foreign, { phase: 'tls' }],
  ['certificate of an unknown CA', {}, new TestCa().issue('hub', LOOPBACK), {}, { phase: 'tls' }],
  ['certificate for another name', {}, ca.issue('hub', 'DNS:example.com'), {}, { phase: 'tls' }],
];
const CODES: Readonly<Record<string, string>> = {
  'our certificate rejected, TLS 1.2': 'ECONNRESET',
  'certificate of an unknown CA': 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'certificate for another name': 'ERR_TLS_CERT_ALTNAME_INVALID',
};

test('a connection that has ended before it is used: that is told at once', async () => {
  const attempt: Attempt = { phase: 'tls' };
  const way = { port: 8883, attempt, socket: new Socket().destroy() };
  const { phase, socketError } = await attemptAt('127.0.0.1', { way, connectMs: 200 });
  assert.deepEqual({ phase, socketError }, { phase: 'tls', socketError: 'ECONNRESET' });
});

for (const [name, script, tls, options, expected] of ROWS) {
  test(name, async () => {
    await using far = await FarSide.start({ ...server, ...tls }, script);
    const { error, ...seen } = await attemptAt(far.host, options);
    const code = CODES[name];
    assert.deepEqual(seen, code === undefined ? expected : { ...expected, socketError: code });
    assert.equal(error === undefined, seen.socketError === undefined);
    assert.equal(far.connections, 1);
  });
}

/** A TCP server without TLS, which says this to whoever connects. */
async function plain(greeting = ''): Promise<{ port: number } & AsyncDisposable> {
  const listener = createServer((socket) => {
    socket.on('error', () => {}).resume();
    socket.write(greeting);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  return {
    port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await once(listener, 'close');
    },
  };
}

test('port closed', async () => {
  const closed = await plain();
  await closed[Symbol.asyncDispose]();
  const { phase, socketError } = await attemptAt(`127.0.0.1:${closed.port}`);
  assert.deepEqual({ phase, socketError }, { phase: 'tcp', socketError: 'ECONNREFUSED' });
});

test('no such name', async () => {
  const { phase, socketError } = await attemptAt('hub.invalid');
  assert.equal(phase, 'tcp');
  assert.match(String(socketError), /^(ENOTFOUND|EAI_AGAIN)$/);
});

test('a server that never answers the TLS handshake meets the deadline', async () => {
  await using mute = await plain();
  const { phase, socketError } = await attemptAt(`127.0.0.1:${mute.port}`, { connectMs: 1_500 });
  assert.deepEqual({ phase, socketError }, { phase: 'tls', socketError: 'ETIMEDOUT' });
});

test('what fails in the handshake keeps the code of OpenSSL and its library, by which a token is told apart', async () => {
  await using portal = await plain('HTTP/1.1 511 Network Authentication Required\r\n\r\n');
  const { phase, socketError, error } = await attemptAt(`127.0.0.1:${portal.port}`);
  assert.deepEqual({ phase, socketError }, { phase: 'tls', socketError: 'ERR_SSL_WRONG_VERSION_NUMBER' });
  assert.equal(error?.library, 'SSL routines');
});

test('SNI is the host name, and absent for an address', async () => {
  await using far = await FarSide.start(server);
  await attemptAt(far.host);
  await attemptAt(`127.0.0.1:${far.port}`);
  assert.deepEqual(far.serverNames, ['localhost', false]);
});

test('NODE_TLS_REJECT_UNAUTHORIZED=0 does not switch the check off', async (t) => {
  withEnvironment({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, t);
  await using far = await FarSide.start(new TestCa().issue('hub', LOOPBACK));
  assert.equal((await attemptAt(far.host)).socketError, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE');
});

test('what is not admitted, and what is taken by a promise, does not reach the SDK, and is acknowledged', async () => {
  const admit = ({ topic }: { readonly topic: string }) => (topic === 'taken' ? Promise.resolve() : topic !== 'poison');
  await using here = await connected({}, { admit });
  for (const topic of ['poison', 'taken', 'good']) here.publish(topic, 1);
  await here.far.until(() => here.far.received.filter(({ cmd }) => cmd === 'puback').length === 3);
  assert.deepEqual(here.topics, ['', '', 'good']);
});

test('end lets out what was written, then says DISCONNECT', async () => {
  await using here = await connected();
  const { far, tap, client } = here;
  client.publish('answer', 'x'.repeat(100_000));
  tap.end();
  tap.end();
  await tap.closed;
  await far.until(() => far.open === 0);
  assert.deepEqual(
    far.received.map(({ cmd }) => cmd),
    ['connect', 'publish', 'disconnect'],
  );
});

for (const answer of [false, Promise.resolve()]) {
  const [what, pubacks] =
    answer === false ? ['one that is not admitted', [11]] : ['one that is taken by a promise', []];
  test(`${what} makes the owner end it: what follows, even in one segment, is neither admitted nor acknowledged`, async () => {
    const seen: string[] = [];
    await using here = await connected(
      {},
      {
        admit({ topic }) {
          seen.push(topic);
          here.tap.end();
          return answer;
        },
      },
    );
    here.socket?.cork();
    here.publish('last', 1, 11);
    here.publish('late', 1, 12);
    here.socket?.uncork();
    await here.tap.closed;
    await here.far.until(() => here.far.open === 0);
    assert.deepEqual(seen, ['last']);
    const acknowledged = here.far.received.filter(({ cmd }) => cmd === 'puback');
    assert.deepEqual(
      acknowledged.map(({ messageId }) => messageId),
      pubacks,
    );
  });
}

test('a promise that is fulfilled after the end: no PUBACK, no error', async () => {
  const taken = settled();
  await using here = await connected({}, { admit: () => taken.promise });
  here.publish('slow', 1);
  await once(here.client, 'packetreceive');
  here.tap.end();
  await here.tap.closed;
  await here.far.until(() => here.far.open === 0);
  taken.resolve();
  await taken.promise;
  assert.equal(here.far.received.at(-1)?.cmd, 'disconnect');
});

/** Far below the keepalive in CONNECT. */
const pings = { promisedMs: 7_000, everyMs: 300, answerMs: 200 };
const pingsOf = (far: FarSide) => far.received.filter(({ cmd }) => cmd === 'pingreq').length;
const isAbout = (ms: number | undefined, expected: number) =>
  assert.ok(ms !== undefined && ms > expected - 50 && ms < expected + 500, `${ms} ms, and not ${expected}`);

for (const [what, everyMs] of [
  ['an idle session', 0],
  ['a session on which something is said all the time', 50],
] as const) {
  test(`${what} that is half-open ends when the first ping has had no answer`, async () => {
    await using here = await connected({ mute: ['pingreq', 'publish'] }, { pings }, { keepalive: 1 });
    const { far, tap, client } = here;
    const from = performance.now();
    const talk = everyMs > 0 ? setInterval(() => client.publish('said', 'x'), everyMs) : undefined;
    await tap.closed;
    clearInterval(talk);
    isAbout(performance.now() - from, pings.everyMs + pings.answerMs);
    assert.equal(pingsOf(far), 1);
    assert.equal(tap.attempt.socketError, 'ETIMEDOUT');
    isAbout(tap.quiet?.idleMs, everyMs || pings.everyMs);
    assert.deepEqual([tap.quiet?.isUnanswered, tap.quiet?.outlivedMs], [true, 0]);
  });
}

test('pings go out at their time, below the keepalive in CONNECT; their answers show which silence the way allows', async () => {
  await using here = await connected({}, { pings: { ...pings, everyMs: 100 } }, { keepalive: 1 });
  const { far, tap } = here;
  await far.until(() => pingsOf(far) === 3);
  const [connect] = far.received;
  assert.equal(connect?.cmd === 'connect' && connect.keepalive, 7);
  far.links[0]?.socket.end();
  await tap.closed;
  isAbout(tap.quiet?.outlivedMs, 100);
  assert.equal(tap.quiet?.isUnanswered, false);
});

test('a connection that ends in silence: for how long there was no packet in either direction', async () => {
  await using here = await connected();
  const { far, tap, client } = here;
  client.publish('last', 'x');
  await far.until(() => far.published('last').length === 1);
  setTimeout(() => far.links[0]?.socket.end(), 300);
  await tap.closed;
  isAbout(tap.quiet?.idleMs, 300);
  assert.equal(tap.quiet?.isUnanswered, false);
});

test('a packet after the silence that has no answer: the limit is somewhere below it', async () => {
  await using here = await connected({ onPublish: (_, { socket }) => socket.destroy() });
  const { tap, client } = here;
  setTimeout(() => client.publish('first', 'x'), 300);
  await tap.closed;
  isAbout(tap.quiet?.idleMs, 300);
  assert.equal(tap.quiet?.isUnanswered, true);
});

test('a connection that never had CONNACK 0 says nothing of silence', async () => {
  await using far = await FarSide.start(server, { connack: 5 });
  const tap = tapTo(far.host);
  tap.connect('', OPTIONS).on('error', () => tap.end());
  await tap.closed;
  assert.equal(tap.quiet, undefined);
});

test('end before the first dial: nothing is dialled, and it is closed', async () => {
  await using far = await FarSide.start(server);
  const tap = tapTo(far.host);
  tap.end();
  await tap.closed;
  await once(tap.connect('', OPTIONS), 'close');
  assert.equal(far.connections, 0);
});

test('a second connect, by an SDK that reconnects by itself, is not dialled', async () => {
  await using here = await connected();
  await once(here.tap.connect('', OPTIONS), 'close');
  assert.deepEqual([here.far.open, here.far.connections], [1, 1]);
});

test('a host that is none is refused before anything is dialled', () => {
  assert.throws(() => tapTo('a b'), TypeError);
  assert.throws(() => tapTo('localhost:99999'), TypeError);
});

test('mqtt uses the copy of mqtt-packet that has its number table switched off', () => {
  const require = createRequire(createRequire(import.meta.url).resolve('mqtt'));
  assert.equal(require('mqtt-packet'), mqttPacket);
  assert.equal(mqttPacket.writeToStream.cacheNumbers, false);
});
