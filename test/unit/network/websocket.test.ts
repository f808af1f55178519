import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { Fault } from '../../../agent/failure/failure.ts';
import { LARGEST_PACKET } from '../../../agent/mqtt/way.ts';
import { networkOf } from '../../../agent/network/network.ts';
import { inWebSocket } from '../../../agent/network/websocket.ts';
import { never, newHub } from '../hub/hub-side.ts';
import { LOOPBACK, TestCa } from '../mqtt/certificates.ts';

const ca = new TestCa();
const { reach } = networkOf({ transport: 'mqtt-ws', proxy_username: '', no_proxy: [] });

interface Answer {
  readonly accept?: string;
  /** Lines of the header. */
  readonly more?: string;
  /** What follows it. */
  readonly after?: Buffer | string;
}

const MQTT = 'Sec-WebSocket-Protocol: mqtt\r\n';

/** Answers the request for WebSockets. */
function answering({ accept, more = MQTT, after = '' }: Answer): (socket: Socket) => void {
  return (socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (asked) => {
      const key = /sec-websocket-key: (\S+)/i.exec(String(asked))?.[1];
      const right = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
      const head = `Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept ?? right}\r\n${more}`;
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${head}\r\n`);
      if (after.length > 0) socket.write(after);
    });
  };
}

const WRONG: readonly (readonly [what: string, answers: (socket: Socket) => void, words: RegExp])[] = [
  ['the answer to another request', answering({ accept: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' }), /Sec-WebSocket-Accept/],
  ['another subprotocol', answering({ more: 'Sec-WebSocket-Protocol: amqp\r\n' }), /invalid subprotocol/],
  ['no subprotocol', answering({ more: '' }), /no subprotocol/],
  ['an extension', answering({ more: `${MQTT}Sec-WebSocket-Extensions: permessage-deflate\r\n` }), /extension/i],
  ['a page after 101', answering({ after: '<html>login</html>' }), /Invalid WebSocket frame/],
  ['a frame with a mask', answering({ after: Buffer.from([0x82, 0x84, 1, 2, 3, 4, 5, 6, 7, 8]) }), /MASK/],
  ['no HTTP', (socket) => socket.on('error', () => {}).once('data', () => socket.write('garbage\r\n\r\n')), /Parse/],
];

for (const [what, answers, words] of WRONG) {
  test(`in place of WebSockets, ${what}`, async (t) => {
    const server = createTlsServer(ca.issue('hub', LOOPBACK), answers).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const hub = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const connecting = newHub({ connectorFor: async () => ca.connector(ca.issue('gw-0001')), reach });
    const leaf = { keyId: 'AA' } as never;
    const ended: unknown = await connecting.connect(leaf, { hub, deviceId: 'gw-0001' }, never).catch((error) => error);
    await connecting.close();
    assert.ok(ended instanceof Fault, String(ended));
    const { code, message, cause = '' } = ended.failure;
    assert.equal(code, 'NL-NETWORK-WEBSOCKET');
    assert.equal(message, `${hub} answers with something else, and does not go on with WebSockets.`);
    assert.match(cause, words);
  });
}

/** The head of a binary frame. */
function headOf(length: number): Buffer {
  const head = Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

async function streamFrom(t: TestContext, after: Buffer) {
  const server = createServer(answering({ after })).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.after(() => {
    socket.destroy();
    server.close();
  });
  const none = () => {};
  return inWebSocket(socket, 'hub.example', { agreed: none, refused: none, broken: none });
}

test('a frame that no hub sends ends the connection at its head', { timeout: 60_000 }, async (t) => {
  const stream = await streamFrom(t, headOf(LARGEST_PACKET + 1));
  const [error] = (await once(stream, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');
});

test('a frame as large as a packet may be is taken', { timeout: 60_000 }, async (t) => {
  const stream = await streamFrom(t, Buffer.concat([headOf(LARGEST_PACKET), Buffer.alloc(LARGEST_PACKET)]));
  assert.equal(((await once(stream, 'data')) as [Buffer])[0].length, LARGEST_PACKET);
});
