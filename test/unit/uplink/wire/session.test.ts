import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONNECT, RawClient } from './raw-client.ts';
import { opened, stage } from './stage.ts';

const WILL = { topic: 'gone', payload: Buffer.from('by accident'), qos: 1, retain: false } as const;

describe('subscriptions', () => {
  test('QoS 2 is asked for as 1; the grants come back in order', async (t) => {
    const { notes, socketOf } = stage(t);
    notes.grant = (filter, qos) => (filter === '#' ? 128 : qos);
    await using client = await RawClient.open(await socketOf('sensors'));
    const subscriptions = [
      { topic: 'a', qos: 0 },
      { topic: '#', qos: 1 },
      { topic: 'b/+', qos: 2 },
    ] as const;
    client.send({ cmd: 'subscribe', messageId: 3, subscriptions: [...subscriptions] });
    const suback = await client.next('suback');
    assert.deepEqual(suback.cmd === 'suback' && [suback.messageId, suback.granted], [3, [0, 128, 1]]);
    client.send({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['a', 'b/+'] });
    assert.equal((await client.next('unsuback')).messageId, 4);
    assert.deepEqual(notes.events.slice(1), [
      'subscribed dev a 0',
      'subscribed dev # 1',
      'subscribed dev b/+ 1',
      'unsubscribed dev a',
      'unsubscribed dev b/+',
    ]);
  });

  test('one that waits for the hub holds up neither messages nor PINGREQ', async (t) => {
    const { notes, client } = await opened(t);
    const grant = notes.holdGrant();
    client.send({ cmd: 'subscribe', messageId: 3, subscriptions: [{ topic: 'a', qos: 0 }] });
    client.send({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['a'] });
    client.publish('t', 9);
    await client.next('puback');
    assert.equal(notes.events.includes('unsubscribed dev a'), false);
    grant(0);
    await client.next('suback');
    await client.next('unsuback');
  });

  test('one that waits is not carried out for a client that has gone', async (t) => {
    const { notes, client } = await opened(t);
    const grant = notes.holdGrant();
    const subscriptions = ['a', 'b'].map((topic) => ({ topic, qos: 0 as const }));
    client.send({ cmd: 'subscribe', messageId: 3, subscriptions });
    client.send({ cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['c'] });
    await notes.until(() => notes.events.includes('subscribed dev a 0'));
    client.socket.destroy();
    await notes.until(() => notes.events.includes('closed sensors/dev'));
    grant(0);
    await new Promise(setImmediate);
    assert.equal(notes.events.at(-1), 'closed sensors/dev');
  });
});

describe('messages to a program', () => {
  test('QoS 1 is fulfilled by its PUBACK, QoS 0 at once', async (t) => {
    const { notes, client } = await opened(t);
    const [one] = notes.clients;
    assert.ok(one !== undefined);
    await one.publish({ topic: 'q0', payload: Buffer.from('a') }, 0);
    const done: string[] = [];
    const sent = ['x', 'y'].map((topic) =>
      one.publish({ topic, payload: Buffer.from('b') }, 1).then(() => done.push(topic)),
    );
    const packets = [await client.next('publish'), await client.next('publish'), await client.next('publish')];
    assert.deepEqual(
      packets.map((packet) => packet.cmd === 'publish' && [packet.topic, packet.qos, packet.payload.toString()]),
      [
        ['q0', 0, 'a'],
        ['x', 1, 'b'],
        ['y', 1, 'b'],
      ],
    );
    const [, x, y] = packets.map(({ messageId }) => messageId ?? 0);
    assert.ok(x !== undefined && y !== undefined && x > 0 && y > 0 && x !== y);
    assert.deepEqual(done, []);
    client.send({ cmd: 'puback', messageId: 999 }, { cmd: 'puback', messageId: y });
    await sent[1];
    assert.deepEqual(done, ['y']);
    client.send({ cmd: 'puback', messageId: x });
    await sent[0];
  });

  test('the end of the connection rejects what waits, and all that comes later', async (t) => {
    const { notes, client } = await opened(t);
    const [one] = notes.clients;
    const waiting = one?.publish({ topic: 'x', payload: Buffer.from('b') }, 1);
    await client.next('publish');
    client.socket.destroy();
    await assert.rejects(async () => waiting, /The program is gone/);
    for (const qos of [0, 1] as const) {
      await assert.rejects(async () => one?.publish({ topic: 'x', payload: Buffer.from('b') }, qos), /is gone/);
    }
  });

  test('nothing goes out before CONNACK, and nothing is lost by that', async (t) => {
    const { notes, socketOf } = stage(t);
    let kept: Promise<void> | undefined;
    notes.opening = async (client) => {
      kept = client.publish({ topic: 'kept/1', payload: Buffer.from('') }, 1);
      await client.publish({ topic: 'kept/2', payload: Buffer.from('') }, 0);
      await new Promise(setImmediate);
    };
    await using client = await RawClient.dial(await socketOf('sensors'));
    client.send(CONNECT);
    const order = await client.first(3);
    assert.deepEqual(
      order.map((packet) => (packet.cmd === 'publish' ? packet.topic : packet.cmd)),
      ['connack', 'kept/1', 'kept/2'],
    );
    client.send({ cmd: 'puback', messageId: order[1]?.messageId ?? 0 });
    await kept;
  });

  test('identifiers are used again, but never twice at a time', async (t) => {
    const { notes, client } = await opened(t);
    const [one] = notes.clients;
    const first = one?.publish({ topic: 'first', payload: Buffer.from('') }, 1);
    const kept = (await client.next('publish')).messageId;
    client.socket.on('data', () => {
      for (const { messageId } of client.got.splice(0)) client.send({ cmd: 'puback', messageId: messageId ?? 0 });
    });
    for (let round = 0; round < 66; round += 1) {
      await Promise.all(Array.from({ length: 1_000 }, () => one?.publish({ topic: 't', payload: Buffer.from('') }, 1)));
    }
    client.send({ cmd: 'puback', messageId: kept ?? 0 });
    await first;
  });
});

describe('the end', () => {
  test('keep-alive: one and a half times, counted from the last packet', async (t) => {
    const { timers, notes, client } = await opened(t, { keepalive: 10, will: WILL });
    timers.pass(14_000);
    client.send({ cmd: 'pingreq' });
    await client.next('pingresp');
    timers.pass(14_999);
    client.send({ cmd: 'pingreq' });
    await client.next('pingresp');
    timers.pass(14_999);
    assert.equal(client.isClosed, false);
    timers.pass(1);
    await client.closed;
    assert.deepEqual(notes.events.slice(-2), ['published gone', 'closed sensors/dev']);
  });

  test('a client that is not read from is not silent', async (t) => {
    const { timers, notes, client } = await opened(t, { keepalive: 10 });
    notes.byHand = true;
    for (let id = 1; id <= 65; id += 1) client.publish('t', id);
    await notes.until(() => notes.came.length === 64);
    timers.pass(100_000);
    assert.equal(client.isClosed, false);
    for (const came of notes.came) came.store();
    await notes.until(() => notes.came.length === 65);
    await new Promise(setImmediate);
    timers.pass(15_000);
    await client.closed;
  });

  test('without keep-alive a client may be silent for ever, and there is no timer', async (t) => {
    const { timers, client } = await opened(t);
    assert.equal(timers.pending, 0);
    timers.pass(10 ** 9);
    client.send({ cmd: 'pingreq' });
    await client.next('pingresp');
  });

  test('DISCONNECT: the will is dropped', async (t) => {
    const { notes, client } = await opened(t, { will: WILL });
    client.send({ cmd: 'disconnect' });
    await client.closed;
    assert.deepEqual(notes.events, ['opened sensors/dev', 'closed sensors/dev']);
  });

  for (const [how, end] of [
    ['a cut', (client: RawClient) => void client.socket.destroy()],
    ['an end without DISCONNECT', (client: RawClient) => void client.socket.end()],
    ['a broken packet', (client: RawClient) => void client.socket.write(Buffer.of(0))],
  ] as const) {
    test(`${how}: the will is published`, async (t) => {
      const { notes, client } = await opened(t, { will: WILL });
      end(client);
      await notes.until(() => notes.events.length === 3);
      assert.deepEqual(notes.events.slice(1), ['published gone', 'closed sensors/dev']);
      assert.deepEqual([notes.came[0]?.text, notes.came[0]?.qos], ['by accident', 1]);
      client.socket.destroy();
    });
  }

  test('the end of the listener, or of the server, publishes no will', async (t) => {
    for (const ends of ['listener', 'server'] as const) {
      const { notes, server, socketOf } = stage(t);
      const path = await socketOf('sensors');
      const other = `${path}.other`;
      const listener = await server.listen({ path: other, mode: 0o600 }, () => 'other');
      await using client = await RawClient.open(other, { will: WILL });
      await (ends === 'listener' ? listener : server).close();
      await client.closed;
      assert.deepEqual(notes.events, ['opened other/dev', 'closed other/dev']);
    }
  });

  test('a will that cannot be stored is told in the log', async (t) => {
    const { notes, lines, client } = await opened(t, { will: WILL });
    notes.byHand = true;
    client.socket.destroy();
    await notes.until(() => notes.came.length === 1);
    notes.came[0]?.refuse(new Error('the queue is full'));
    await new Promise(setImmediate);
    assert.deepEqual(
      lines.map(({ event, cause }) => [event, cause]),
      [['uplink-will-lost', 'Error: the queue is full']],
    );
  });

  test('the rules may end a client', async (t) => {
    const { notes, lines, client } = await opened(t);
    notes.clients[0]?.end('its key was removed');
    await client.closed;
    assert.match(lines[0]?.message ?? '', /Program sensors: .*: its key was removed\.$/);
    notes.clients[0]?.end('again');
    assert.equal(notes.events.filter((event) => event.startsWith('closed')).length, 1);
  });

  test('a program that fails again and again fills no journal', async (t) => {
    const { lines, timers, socketOf } = stage(t);
    const path = await socketOf('sensors');
    const fail = async () => {
      await using client = await RawClient.open(path);
      client.socket.write(Buffer.of(0));
      await client.closed;
    };
    for (let time = 0; time < 20; time += 1) await fail();
    assert.equal(lines.length, 1);
    timers.pass(600_000);
    await fail();
    assert.match(lines[1]?.message ?? '', /and 19 times more since the last line/);
  });
});
