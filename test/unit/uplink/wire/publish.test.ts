import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Packet } from 'mqtt-packet';
import { mqttPacket } from '../../../../agent/mqtt/packets.ts';
import { RawClient } from './raw-client.ts';
import { opened, stage } from './stage.ts';

const q0 = (topic: string): Packet => ({ cmd: 'publish', topic, payload: '', qos: 0, dup: false, retain: false });

/** Identifiers of the PUBACKs, up to PINGRESP. */
async function acknowledged(client: RawClient): Promise<readonly (number | undefined)[]> {
  client.send({ cmd: 'pingreq' });
  await client.next('pingresp');
  return client.got.splice(0).map(({ messageId }) => messageId);
}

describe('messages of a program', () => {
  test('PUBACK follows the rules, in the order of arrival', async (t) => {
    const { notes, client } = await opened(t);
    notes.byHand = true;
    for (const id of [7, 8, 9]) client.publish(`t/${id}`, id, `body ${id}`);
    await notes.until(() => notes.came.length === 3);
    assert.deepEqual(await acknowledged(client), []);
    notes.came[1]?.store();
    notes.came[2]?.store();
    assert.deepEqual(await acknowledged(client), []);
    notes.came[0]?.store();
    await client.next('puback');
    assert.deepEqual(await acknowledged(client), [8, 9]);
    assert.deepEqual(
      notes.came.map(({ topic, text, qos }) => [topic, text, qos]),
      [7, 8, 9].map((id) => [`t/${id}`, `body ${id}`, 1]),
    );
  });

  test('one that is refused closes the connection, and those behind it get no PUBACK', async (t) => {
    const { notes, lines, client } = await opened(t);
    notes.byHand = true;
    for (const id of [1, 2, 3]) client.publish('t', id);
    await notes.until(() => notes.came.length === 3);
    notes.came[2]?.store();
    notes.came[1]?.refuse(new Error('the queue is full'));
    assert.equal(client.isClosed, false);
    notes.came[0]?.store();
    await client.closed;
    assert.deepEqual(
      client.got.map(({ cmd, messageId }) => [cmd, messageId]),
      [['puback', 1]],
    );
    assert.deepEqual(notes.events.at(-1), 'closed sensors/dev');
    const [{ event, message, cause } = { event: '' }] = lines;
    assert.deepEqual([event, cause], ['uplink-closed', 'the queue is full']);
    assert.match(message ?? '', /^Program sensors: its connection is closed: a message of it is refused\.$/);
  });

  test('after one is refused no other is taken', async (t) => {
    const { notes, client } = await opened(t);
    notes.byHand = true;
    client.publish('t', 1);
    client.publish('t', 2);
    await notes.until(() => notes.came.length === 2);
    notes.came[1]?.refuse(new Error('full'));
    await new Promise(setImmediate);
    client.publish('t', 3);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    assert.equal(notes.came.length, 2);
    notes.came[0]?.store();
    await client.closed;
  });

  test('messages that are refused take nothing from the share of the program', { timeout: 60_000 }, async (t) => {
    const { notes, socketOf } = stage(t);
    notes.byHand = true;
    const path = await socketOf('sensors');
    const big = Buffer.alloc(250_000);
    for (let times = 0; times < 4; times += 1) {
      await using client = await RawClient.open(path);
      for (const id of [1, 2, 3]) client.publish('t', id, big);
      await notes.until(() => notes.came.length === 3 * (times + 1));
      for (const came of notes.came) came.refuse(new Error('full'));
      await client.closed;
    }
    notes.byHand = false;
    await using client = await RawClient.open(path);
    client.publish('t', 1, big);
    await client.next('puback');
  });

  test('a message of QoS 0 that is refused closes the connection, too', async (t) => {
    const { notes, client } = await opened(t);
    notes.byHand = true;
    client.send(q0('t'));
    await notes.until(() => notes.came.length === 1);
    notes.came[0]?.refuse(new Error('no'));
    await client.closed;
  });

  test('one of 3 MB: its beginning is handed on, more than a hub takes, and it is acknowledged, as are those behind it', async (t) => {
    const { notes, client } = await opened(t);
    client.publish('t', 1, Buffer.alloc(3_000_000, 'x'));
    client.publish('t', 2, 'behind');
    await client.next('puback');
    await client.next('puback');
    const [cut, behind] = notes.came;
    assert.ok(
      cut !== undefined && cut.text.length > 256 * 1_024 && cut.text.length < 328 * 1_024,
      `${cut?.text.length}`,
    );
    assert.equal(behind?.text, 'behind');
  });

  test('the rules are told over what a connection was closed, and only where it was closed for that', async (t) => {
    const { notes, path, client } = await opened(t);
    await using other = await RawClient.open(path, { clientId: 'other' });
    client.send({ ...q0('t'), qos: 2, messageId: 1 } as Packet);
    await client.closed;
    other.send({ cmd: 'disconnect' });
    await other.closed;
    await notes.until(() => notes.events.includes('closed sensors/other'));
    assert.deepEqual(notes.broken, ['dev: a message of QoS 2']);
  });

  const closing: readonly (readonly [what: string, bytes: Buffer])[] = [
    ['QoS 2', Buffer.of(0x34, 5, 0, 1, 0x61, 0, 1)],
    ['QoS 3', Buffer.of(0x36, 5, 0, 1, 0x61, 0, 1)],
    ['an empty topic', Buffer.of(0x30, 2, 0, 0)],
    ['a topic with #', Buffer.of(0x30, 3, 0, 1, 0x23)],
    ['a topic with +', Buffer.of(0x30, 3, 0, 1, 0x2b)],
    ['a topic with U+0000', Buffer.of(0x30, 3, 0, 1, 0)],
    ['a topic that is no UTF-8', Buffer.of(0x30, 3, 0, 1, 0xff)],
    ['a topic that is longer than the packet', Buffer.of(0x30, 3, 0, 2, 0x61)],
    ['identifier 0', Buffer.of(0x32, 5, 0, 1, 0x61, 0, 0)],
    // The identifier would be read from the next packet.
    ['no identifier', Buffer.of(0x32, 3, 0, 1, 0x61, 0xc0, 0)],
    ['a PUBACK without identifier', Buffer.of(0x40, 0)],
    ['a PUBACK with more than an identifier', Buffer.of(0x40, 3, 0, 1, 0)],
    ['PUBREL', Buffer.of(0x62, 2, 0, 1)],
    ['SUBSCRIBE without a filter', Buffer.of(0x82, 2, 0, 1)],
    ['SUBSCRIBE with an empty filter', Buffer.of(0x82, 5, 0, 1, 0, 0, 0)],
    ['SUBSCRIBE with QoS 3', Buffer.of(0x82, 6, 0, 1, 0, 1, 0x61, 3)],
    ['SUBSCRIBE with flags of another packet', Buffer.of(0x80, 6, 0, 1, 0, 1, 0x61, 0)],
    ['UNSUBSCRIBE without a filter', Buffer.of(0xa2, 2, 0, 1)],
    [
      'UNSUBSCRIBE with 65 filters',
      mqttPacket.generate({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: Array(65).fill('a') }),
    ],
    ['PINGREQ with a body', Buffer.of(0xc0, 1, 0)],
    ['CONNACK', Buffer.of(0x20, 2, 0, 0)],
    ['AUTH of MQTT 5', Buffer.of(0xf0, 0)],
    ['a packet of kind 0', Buffer.of(0, 0)],
    ['a length of five bytes', Buffer.of(0x30, 0x80, 0x80, 0x80, 0x80, 1)],
    ['SUBSCRIBE of 200 MiB', Buffer.of(0x82, 0xff, 0xff, 0xff, 0x60)],
    ['SUBSCRIBE of 321 KiB', Buffer.of(0x82, 0x80, 0x88, 0x14)],
  ];
  for (const [what, bytes] of closing) {
    test(`${what}: closed, and only that connection`, async (t) => {
      const { notes, path, client } = await opened(t);
      await using other = await RawClient.open(path, { clientId: 'other' });
      client.socket.write(Buffer.concat([bytes, mqttPacket.generate(q0('after'))]));
      await client.closed;
      assert.deepEqual([notes.came.length, client.got.length], [0, 0]);
      other.publish('t', 1);
      await other.next('puback');
    });
  }

  test('what is read, is whole: 256 KiB, byte by byte, and many in one chunk', async (t) => {
    const { notes, client } = await opened(t);
    client.publish('big', 1, Buffer.alloc(262_144, 'x'));
    await client.next('puback');
    const small = mqttPacket.generate({
      cmd: 'publish',
      topic: 'small',
      payload: 'äöü',
      qos: 1,
      messageId: 2,
    } as Packet);
    for (const byte of small) {
      client.socket.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    await client.next('puback');
    client.send(...Array.from({ length: 500 }, (_, index) => q0(`many/${index}`)), { cmd: 'pingreq' });
    await client.next('pingresp');
    assert.deepEqual(
      notes.came.map(({ topic, text }) => `${topic} ${text.length}`),
      ['big 262144', 'small 3', ...Array.from({ length: 500 }, (_, index) => `many/${index} 0`)],
    );
  });

  test('DUP and RETAIN do not matter', async (t) => {
    const { notes, client } = await opened(t);
    client.send({ cmd: 'publish', topic: 't', payload: 'x', qos: 1, messageId: 5, dup: true, retain: true });
    await client.next('puback');
    assert.equal(notes.came.length, 1);
  });
});

describe('how much is taken', () => {
  test('64 messages wait for their PUBACK, and the next is not read before', async (t) => {
    const { notes, client } = await opened(t);
    notes.byHand = true;
    for (let id = 1; id <= 200; id += 1) client.publish('t', id);
    await notes.until(() => notes.came.length === 64);
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    assert.equal(notes.came.length, 64);
    for (let id = 1; id <= 200; id += 1) {
      await notes.until(() => notes.came.length >= id);
      notes.came[id - 1]?.store();
      assert.equal((await client.next('puback')).messageId, id);
      assert.ok(notes.came.length <= id + 64);
    }
  });

  test('1 MiB of messages likewise', async (t) => {
    const { notes, client } = await opened(t);
    notes.byHand = true;
    for (let id = 1; id <= 20; id += 1) client.publish('t', id, Buffer.alloc(100_000));
    await notes.until(() => notes.came.length === 11);
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    assert.equal(notes.came.length, 11);
    for (let id = 1; id <= 20; id += 1) {
      await notes.until(() => notes.came.length >= id);
      notes.came[id - 1]?.store();
      await client.next('puback');
    }
  });

  test('1 MiB is for all connections of a program, those that are over among them; another program has its own', async (t) => {
    const { notes, socketOf } = stage(t);
    notes.byHand = true;
    const path = await socketOf('sensors');
    const big = Buffer.alloc(250_000);
    const first = await RawClient.open(path, { clientId: 'first' });
    for (let id = 1; id <= 3; id += 1) first.publish('first', id, big);
    await notes.until(() => notes.came.length === 3);
    first.socket.destroy();
    await using second = await RawClient.open(path, { clientId: 'second' });
    await using third = await RawClient.open(path, { clientId: 'third' });
    for (let id = 1; id <= 3; id += 1) second.publish('second', id, big);
    await notes.until(() => notes.came.length === 5);
    third.publish('third', 1);
    await using other = await RawClient.open(await socketOf('meter'));
    other.publish('other', 1, big);
    await notes.until(() => notes.came.length === 6);
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    assert.deepEqual(
      notes.came.map(({ topic }) => topic),
      ['first', 'first', 'first', 'second', 'second', 'other'],
    );
    notes.byHand = false;
    notes.came[0]?.store();
    await third.next('puback');
    notes.came[3]?.store();
    notes.came[4]?.store();
    for (const id of [1, 2, 3]) assert.equal((await second.next('puback')).messageId, id);
  });

  test('messages of QoS 0, and DISCONNECT, are read to the end though the program has gone', async (t) => {
    const { notes, socketOf } = stage(t);
    notes.byHand = true;
    const will = { topic: 'gone', payload: Buffer.from(''), qos: 0, retain: false } as const;
    await using client = await RawClient.open(await socketOf('sensors'), { will });
    client.send(...Array.from({ length: 100 }, (_, index) => q0(`t/${index}`)), { cmd: 'disconnect' });
    client.socket.end();
    await notes.until(() => notes.came.length === 64);
    for (const came of notes.came) came.store();
    notes.byHand = false;
    await notes.until(() => notes.events.at(-1) === 'closed sensors/dev');
    assert.equal(notes.came.filter(({ topic }) => topic !== 'gone').length, 100);
    assert.equal(notes.came.length, 100);
  });
});
