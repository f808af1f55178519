import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { test } from 'node:test';
import type { TlsOptions } from 'node:tls';
import mqttPacket from 'mqtt-packet';
import type { Attempt } from '../../../agent/mqtt/attempt.ts';
import { Tap, type TapOptions } from '../../../agent/mqtt/tap.ts';
import { withEnvironment } from '../../put-back.ts';
import { LOOPBACK, TestCa } from './certificates.ts';
import { FarSide, type Script } from './far-side.ts';

const ca = new TestCa();
const server = ca.issue('hub', LOOPBACK);
const connector = ca.connector(ca.issue('gw-0001'));

// key and cert are what MqttBase demands and nobody can use.
const OPTIONS = { clientId: 'gw-0001', protocolVersion: 4, clean: true, key: 'unused', cert: 'unused' } as const;

const tapTo = (host: string, more: Partial<TapOptions> = {}): Tap =>
  new Tap({ host, connector, connectMs: 5_000, admit: () => true, ...more });

/** Connects, ends as soon as CONNACK 0 is there, and gives what the tap wrote down. */
async function attemptAt(host: string, more: Partial<TapOptions> = {}): Promise<Attempt> {
  const tap = tapTo(host, more);
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

test('what is not admitted does not reach the SDK, and is acknowledged', async () => {
  await using far = await FarSide.start(server);
  const tap = tapTo(far.host, { admit: ({ topic }) => topic !== 'poison' });
  const client = tap.connect('', OPTIONS);
  const topics: string[] = [];
  client.on('message', (topic) => topics.push(topic));
  await once(client, 'connect');
  far.links[0]?.publish('poison', 'x', 1);
  far.links[0]?.publish('good', 'x', 1);
  await far.until(() => far.received.filter(({ cmd }) => cmd === 'puback').length === 2);
  assert.deepEqual(topics, ['', 'good']);
  tap.end();
  await tap.closed;
});

test('end lets out what was written, then says DISCONNECT', async () => {
  await using far = await FarSide.start(server);
  const tap = tapTo(far.host);
  const client = tap.connect('', OPTIONS);
  await once(client, 'connect');
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

test('what follows the packet that made the owner end it, even in one segment, is not admitted', async () => {
  await using far = await FarSide.start(server);
  const seen: string[] = [];
  const tap = tapTo(far.host, {
    admit({ topic }) {
      seen.push(topic);
      tap.end();
      return false;
    },
  });
  await once(tap.connect('', OPTIONS), 'connect');
  far.links[0]?.socket.cork();
  far.links[0]?.publish('last', 'x', 1);
  far.links[0]?.publish('late');
  far.links[0]?.socket.uncork();
  await tap.closed;
  await far.until(() => far.open === 0);
  assert.deepEqual(seen, ['last']);
  assert(far.received.some(({ cmd }) => cmd === 'puback'));
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
    await using far = await FarSide.start(server, { mute: ['pingreq', 'publish'] });
    const tap = tapTo(far.host, { pings });
    const client = tap.connect('', { ...OPTIONS, keepalive: 1 });
    await once(client, 'connect');
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
  await using far = await FarSide.start(server);
  const tap = tapTo(far.host, { pings: { ...pings, everyMs: 100 } });
  await once(tap.connect('', { ...OPTIONS, keepalive: 1 }), 'connect');
  await far.until(() => pingsOf(far) === 3);
  const [connect] = far.received;
  assert.equal(connect?.cmd === 'connect' && connect.keepalive, 7);
  far.links[0]?.socket.end();
  await tap.closed;
  isAbout(tap.quiet?.outlivedMs, 100);
  assert.equal(tap.quiet?.isUnanswered, false);
});

test('a connection that ends in silence: for how long there was no packet in either direction', async () => {
  await using far = await FarSide.start(server);
  const tap = tapTo(far.host);
  const client = tap.connect('', OPTIONS);
  await once(client, 'connect');
  client.publish('last', 'x');
  await far.until(() => far.published('last').length === 1);
  setTimeout(() => far.links[0]?.socket.end(), 300);
  await tap.closed;
  isAbout(tap.quiet?.idleMs, 300);
  assert.equal(tap.quiet?.isUnanswered, false);
});

test('a packet after the silence that has no answer: the limit is somewhere below it', async () => {
  await using far = await FarSide.start(server, { onPublish: (_, { socket }) => socket.destroy() });
  const tap = tapTo(far.host);
  const client = tap.connect('', OPTIONS);
  await once(client, 'connect');
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
  await using far = await FarSide.start(server);
  const tap = tapTo(far.host);
  await once(tap.connect('', OPTIONS), 'connect');
  await once(tap.connect('', OPTIONS), 'close');
  assert.equal(far.open, 1);
  assert.equal(far.connections, 1);
  tap.end();
  await tap.closed;
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
