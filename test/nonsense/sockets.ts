import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TestContext } from 'node:test';
import { askSocket } from '../../agent/control/client.ts';
import { Fault } from '../../agent/failure/failure.ts';
import { mqttPacket } from '../../agent/mqtt/packets.ts';
import { tunnel } from '../../agent/network/proxy.ts';
import { inWebSocket } from '../../agent/network/websocket.ts';
import type { Daemon } from '../unit/control/daemon.ts';
import { CONNECT, RawClient } from '../unit/uplink/wire/raw-client.ts';
import { assertRefusal, type Reader } from './laws.ts';

const latin = (...all: readonly [string, ...string[]]) =>
  all.map((text) => Buffer.from(text, 'latin1')) as [Buffer, ...Buffer[]];
/** What waits for an answer is held so long: of the two minutes of a command it would be all that were asked meanwhile. */
const ANSWER_MS = 1_000;
const none = () => {};

/** `once` of node:events would be rejected by an error before. */
const closeOf = (stream: Duplex): Promise<void> => new Promise((resolve) => void stream.once('close', () => resolve()));

/** Says all of it, and hangs up. Resolves when the other side has, too. */
async function say(socket: Socket, ...chunks: readonly Buffer[]): Promise<void> {
  socket.on('error', none).resume();
  const closed = closeOf(socket);
  for (const chunk of chunks) socket.write(chunk);
  socket.end();
  await closed;
}

/** Bytes at the control socket. A good request is answered afterwards, and nothing was called a fault of newleaf. */
export const control = ({ socket, asks, logged }: Daemon): Reader => {
  const post = (path: string, body: string) =>
    `POST ${path} HTTP/1.1\r\nHost: newleaf\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  return {
    name: 'control',
    seeds: latin(
      'GET /v1/status HTTP/1.1\r\nHost: newleaf\r\n\r\n',
      'GET /v1/events HTTP/1.1\r\nHost: newleaf\r\n\r\n',
      post('/v1/roll', '{"id":"1","discard":true}'),
      post('/v1/uplink', '{"add":"sensors","terms":{"rate":1,"priority":"high"}}'),
      'POST /v1/leaf HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"leaf":"MIIBAA"\r\n1\r\n}\r\n0\r\n\r\n',
    ),
    async read(input) {
      await say(connect(socket), input);
      for (const { kind } of asks.splice(0))
        assert.match(kind, /^(status|re-register|roll|csr|onboarding-csr|install)$/);
      assert.equal((await askSocket(socket, 'GET', '/v1/status', undefined, ANSWER_MS)).status, 202);
      asks.length = 0;
      assert.deepEqual(logged.splice(0), []);
    },
  };
};

/** Packets at the socket of a program; another program of the same gateway is served on. */
export async function broker(path: string, other: string): Promise<Reader & AsyncDisposable> {
  const meter = await RawClient.open(other);
  const generate = (...packets: Parameters<typeof mqttPacket.generate>[0][]) =>
    Buffer.concat(packets.map((packet) => mqttPacket.generate(packet)));
  const publish = { cmd: 'publish', qos: 1, messageId: 1, dup: false, retain: false } as const;
  const event = { ...publish, topic: 'devices/sensors/messages/events/a=b', payload: '{"temperature":21}' };
  const reported = {
    ...publish,
    messageId: 2,
    topic: '$iothub/twin/PATCH/properties/reported/?$rid=1',
    payload: '{"a":1}',
  };
  const subscriptions = [{ topic: '$iothub/twin/res/#', qos: 0 as const }];
  let number = 0;
  return {
    name: 'broker',
    seeds: [
      generate(CONNECT, event, { cmd: 'pingreq' }, { cmd: 'disconnect' }),
      generate({ ...CONNECT, clean: false }, { cmd: 'subscribe', messageId: 3, subscriptions }, reported),
      generate(CONNECT, { ...event, payload: Buffer.alloc(3_000, 'x') }, { cmd: 'puback', messageId: 9 }),
      generate(
        {
          ...CONNECT,
          will: { topic: event.topic, payload: Buffer.from('x'), qos: 1, retain: false },
          username: 'u',
          password: Buffer.from('p'),
        },
        event,
      ),
      generate(CONNECT, { cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['$iothub/twin/res/#'] }, event),
    ],
    async read(input) {
      await say(connect(path), input);
      number = (number % 65_000) + 1;
      meter.publish('devices/meter/messages/events/', number, 'x');
      assert.equal((await meter.next('puback')).messageId, number);
    },
    [Symbol.asyncDispose]: () => meter[Symbol.asyncDispose](),
  };
}

/** A server that answers each client with what was said last, and hangs up. */
async function answering(t: TestContext, answer: (asked: string) => Buffer): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', none).once('data', (asked) => socket.end(answer(String(asked))));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

const ACCEPT = 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=';
const HEAD = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n`;

/** What a hub answers to the request for WebSockets, and the frames behind it. */
export async function webSockets(t: TestContext): Promise<Reader> {
  let next: Buffer = Buffer.alloc(0);
  const port = await answering(t, (asked) => {
    const key = /sec-websocket-key: (\S+)/i.exec(asked)?.[1];
    const right = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    return Buffer.from(next.toString('latin1').replace(ACCEPT, right), 'latin1');
  });
  return {
    name: 'websockets',
    seeds: latin(
      `${HEAD}\x82\x04\x20\x02\x00\x00`,
      `${HEAD}\x02\x02\x20\x02\x80\x02\x00\x00\x89\x00\x8a\x00`,
      `${HEAD}\x82\x7e\x00\x80${'x'.repeat(128)}\x88\x02\x03\xe8`,
      `${HEAD}\x81\x02hi\x88\x00`,
      'HTTP/1.1 302 Found\r\nLocation: https://login.example/\r\nContent-Length: 0\r\n\r\n',
    ),
    async read(input) {
      next = input;
      const met: string[] = [];
      const stream = inWebSocket(connect(port, '127.0.0.1'), 'hub.example', {
        agreed: () => met.push('agreed'),
        refused: () => met.push('refused'),
        broken: () => met.push('broken'),
      });
      stream.on('error', none).resume();
      await closeOf(stream);
      // The connection ends by an error then; network.ts keeps what came first.
      assert.match(met.join(' '), /^(agreed|refused)?( ?broken)?$/);
    },
  };
}

/** What a proxy answers to CONNECT. */
export async function proxies(t: TestContext): Promise<Reader> {
  let next: Buffer = Buffer.alloc(0);
  const port = await answering(t, () => next);
  const settings = { proxy: `http://127.0.0.1:${port}`, proxy_username: '' };
  return {
    name: 'proxy',
    seeds: latin(
      'HTTP/1.1 200 Connection established\r\n\r\n\x16\x03\x03\x00\x02hi',
      'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Digest realm="a, b", Basic realm="c"\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n',
      'HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/html\r\n\r\n<html>',
    ),
    async read(input) {
      next = input;
      try {
        (await tunnel(settings, 'hub.example', 8883, new AbortController().signal)).on('error', none).destroy();
      } catch (error) {
        assert.ok(error instanceof Fault);
        assertRefusal(error, /^NL-NETWORK-/);
      }
    },
  };
}
