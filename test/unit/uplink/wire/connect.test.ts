import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { IConnectPacket } from 'mqtt-packet';
import { CONNECT, RawClient } from './raw-client.ts';
import { dialled, opened, type Stage, stage } from './stage.ts';

/** The CONNACK for this CONNECT, and whether the connection is closed after it. */
async function connackFor(path: string, bytes: Buffer | IConnectPacket): Promise<number | 'closed'> {
  await using client = await RawClient.dial(path);
  if (Buffer.isBuffer(bytes)) client.socket.write(bytes);
  else client.send(bytes);
  try {
    const connack = await client.next('connack');
    if (connack.cmd !== 'connack' || connack.returnCode === undefined) return 'closed';
    if (connack.returnCode !== 0) await client.closed;
    return connack.returnCode;
  } catch {
    return 'closed';
  }
}

/** CONNECT by hand: protocol name, level, flags, and the payload as strings. */
function connectBytes(name: string, level: number, flags: number, ...strings: readonly string[]): Buffer {
  const text = (one: string) => Buffer.concat([Buffer.of(0, Buffer.byteLength(one)), Buffer.from(one)]);
  const body = Buffer.concat([text(name), Buffer.of(level, flags, 0, 0), ...strings.map(text)]);
  return Buffer.concat([Buffer.of(0x10, body.length), body]);
}

describe('CONNECT', () => {
  const rows: readonly (readonly [what: string, connect: Buffer | IConnectPacket, answer: number | 'closed'])[] = [
    ['MQTT 3.1.1', CONNECT, 0],
    ['MQTT 3.1', connectBytes('MQIsdp', 3, 0x02, 'dev'), 1],
    ['a level of the future', connectBytes('MQTT', 6, 0x02, 'dev'), 1],
    ['a bridge of mosquitto', connectBytes('MQTT', 0x84, 0x02, 'dev'), 1],
    ['another protocol', connectBytes('AMQP', 4, 0x02, 'dev'), 'closed'],
    ['a reserved flag', connectBytes('MQTT', 4, 0x03, 'dev'), 'closed'],
    ['a password without a user name', connectBytes('MQTT', 4, 0x42, 'dev', 'secret'), 'closed'],
    ['flags of a will without a will', connectBytes('MQTT', 4, 0x0a, 'dev'), 'closed'],
    ['a will of QoS 2', connectBytes('MQTT', 4, 0x16, 'dev', 'a', 'gone'), 'closed'],
    ['a will with a wildcard', connectBytes('MQTT', 4, 0x06, 'dev', 'a/#', 'gone'), 'closed'],
    ['a will without a topic', connectBytes('MQTT', 4, 0x06, 'dev', '', 'gone'), 'closed'],
    ['U+0000 in the identifier', connectBytes('MQTT', 4, 0x02, 'd\0v'), 'closed'],
    ['no identifier, nothing kept', connectBytes('MQTT', 4, 0x02, ''), 0],
    ['no identifier, session kept', connectBytes('MQTT', 4, 0x00, ''), 2],
    ['a CONNECT that ends too early', connectBytes('MQTT', 4, 0x02), 'closed'],
    ['another packet first', Buffer.of(0xc0, 0), 'closed'],
    ['TLS', Buffer.from('16030100c8010000c40303', 'hex'), 'closed'],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'closed'],
    ['more than 4 KiB', { ...CONNECT, username: 'x'.repeat(5_000) }, 'closed'],
    ['200 MiB announced', Buffer.of(0x10, 0x80, 0x80, 0x80, 0x64), 'closed'],
    ['just below 4 KiB', { ...CONNECT, username: 'x'.repeat(4_000) }, 0],
  ];
  for (const [what, connect, answer] of rows) {
    test(`${what}: ${answer === 'closed' ? 'closed' : `CONNACK ${answer}`}`, async (t) => {
      const path = await stage(t).socketOf('sensors');
      assert.equal(await connackFor(path, connect), answer);
    });
  }

  test('MQTT 5: told so in its own words', async (t) => {
    const { client } = await dialled(t);
    const came: Buffer[] = [];
    client.socket.on('data', (bytes: Buffer) => came.push(bytes));
    client.socket.write(connectBytes('MQTT', 5, 0x02, '', 'dev'));
    await client.closed;
    assert.equal(Buffer.concat(came).toString('hex'), '2003008400');
  });

  test('an identifier is made for a client that has none', async (t) => {
    const { notes, path, client: _one } = await opened(t, { clientId: '' });
    await using _two = await RawClient.open(path, { clientId: '' });
    const [one, two] = notes.clients.map(({ clientId }) => clientId);
    assert.match(one ?? '', /^auto-[0-9a-f]{16}$/);
    assert.notEqual(one, two);
  });

  test('the CONNACK tells of a session of before, but never with clean session', async (t) => {
    const { notes, socketOf } = stage(t);
    const path = await socketOf('sensors');
    notes.sessionPresent = true;
    for (const clean of [true, false]) {
      await using client = await RawClient.dial(path);
      client.send({ ...CONNECT, clean });
      const connack = await client.next('connack');
      assert.equal(connack.cmd === 'connack' && connack.sessionPresent, !clean);
    }
  });

  test('a second CONNECT closes the connection', async (t) => {
    const { notes, lines, client } = await opened(t);
    client.send(CONNECT);
    await client.closed;
    await notes.until(() => notes.events.includes('closed sensors/dev'));
    assert.match(lines[0]?.message ?? '', /Program sensors: .* a second CONNECT/);
  });

  test('10 s without a complete CONNECT, and the connection is closed', async (t) => {
    const { timers, server, client } = await dialled(t);
    client.socket.write(Buffer.of(0x10, 20));
    await seen(server, 1);
    timers.pass(9_999);
    assert.equal(client.isClosed, false);
    timers.pass(1);
    await client.closed;
  });

  test('rules that fail give CONNACK 3, and hear of the end', async (t) => {
    const { notes, socketOf } = stage(t);
    notes.opening = () => Promise.reject(new Error('no room'));
    assert.equal(await connackFor(await socketOf('sensors'), CONNECT), 3);
    assert.deepEqual(notes.events, ['opened sensors/dev', 'closed sensors/dev']);
  });
});

/** Waits until the server has so many connections: what the client has written is not read before. */
async function seen(server: Stage['server'], count: number): Promise<void> {
  while (server.connections !== count) await new Promise(setImmediate);
}

describe('the same client identifier again', () => {
  for (const [what, pauseMs, broken] of [
    ['each second: named, as each throws the other out for ever', 1_000, 2],
    ['once in two minutes, as over a poor link: not a fault', 120_000, 0],
  ] as const) {
    test(what, async (t) => {
      const { notes, timers, socketOf } = stage(t);
      const path = await socketOf('sensors');
      for (let times = 0; times < 5; times += 1) {
        await RawClient.open(path);
        timers.pass(pauseMs);
      }
      await notes.until(() => notes.events.filter((event) => event === 'closed sensors/dev').length === 4);
      assert.deepEqual(notes.broken, Array(broken).fill('dev: two of its clients have one client ID'));
    });
  }

  test('of another program: both stay', async (t) => {
    const { server, socketOf, client: first } = await opened(t);
    await using second = await RawClient.open(await socketOf('meter'));
    for (const client of [first, second]) {
      client.send({ cmd: 'pingreq' });
      await client.next('pingresp');
    }
    assert.equal(server.connections, 2);
  });

  test('of the same program: the older one ends before the newer one is opened', async (t) => {
    const stand = stage(t);
    const path = await stand.socketOf('sensors');
    await using first = await RawClient.open(path, {
      will: { topic: 'gone', payload: Buffer.from('x'), qos: 1, retain: false },
    });
    await using second = await RawClient.open(path);
    await first.closed;
    assert.deepEqual(stand.notes.events, [
      'opened sensors/dev',
      'published gone',
      'closed sensors/dev',
      'opened sensors/dev',
    ]);
    second.send({ cmd: 'pingreq' });
    await second.next('pingresp');
    assert.equal(stand.server.connections, 1);
  });

  test('while the older one is not open yet: it is never told that it is', async (t) => {
    const stand = stage(t);
    const path = await stand.socketOf('sensors');
    let resolve = (): void => {};
    stand.notes.opening = () =>
      new Promise((done) => {
        resolve = done;
      });
    await using first = await RawClient.dial(path);
    first.send(CONNECT);
    await stand.notes.until(() => stand.notes.clients.length === 1);
    stand.notes.opening = async () => {};
    await using second = await RawClient.open(path);
    await first.closed;
    resolve();
    await stand.notes.until(() => stand.notes.events.at(-1) === 'closed sensors/dev');
    assert.deepEqual(first.got, []);
    second.send({ cmd: 'pingreq' });
    await second.next('pingresp');
  });
});
