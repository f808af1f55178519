import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { Admission, type Member } from '../../../../agent/uplink/wire/admission.ts';
import { CONNECT, RawClient } from './raw-client.ts';
import { stage } from './stage.ts';

/** Members that note when they are crowded out. */
function admission(bounds = { connections: 10, forNewcomers: 4, perProgram: 4, waiting: 3 }) {
  const out: string[] = [];
  const members = new Map<string, Member>();
  const named = (name: string): Member => {
    const member = members.get(name) ?? { crowdedOut: () => void out.push(name) };
    members.set(name, member);
    return member;
  };
  return { admission: new Admission(bounds), out, named };
}

describe('who stays', () => {
  test('the oldest of a listener makes room for its next', () => {
    const { admission: one, out, named } = admission();
    for (const name of ['a', 'b', 'c', 'd', 'e']) one.enter(named(name), 'listener');
    assert.deepEqual([out, one.size], [['a', 'b'], 3]);
  });

  test('when all is full, the listener with most of them makes room', () => {
    const { admission: one, out, named } = admission({ connections: 5, forNewcomers: 4, perProgram: 4, waiting: 4 });
    for (const name of ['a', 'b', 'c']) one.enter(named(name), 'flood');
    for (const name of ['x', 'y', 'z']) one.enter(named(name), 'quiet');
    assert.deepEqual(out, ['a']);
  });

  test('a program has so many, and its next is turned away', () => {
    const { admission: one, out, named } = admission();
    const joined = ['a', 'b', 'c', 'd', 'e'].map((name) => {
      one.enter(named(name), 'listener');
      return one.join(named(name), 'sensors');
    });
    assert.deepEqual([joined, out], [[true, true, true, true, false], []]);
    one.leave(named('a'));
    assert.equal(one.join(named('e'), 'sensors'), true);
  });

  test('a program with fewer takes the newest place of the one with most', () => {
    const { admission: one, out, named } = admission();
    const join = (name: string, program: string) => {
      one.enter(named(name), program);
      return one.join(named(name), program);
    };
    for (const name of ['a', 'b', 'c', 'd']) join(name, 'greedy');
    for (const name of ['m', 'n']) join(name, 'meter');
    assert.equal(join('s', 'sensors'), true);
    assert.equal(join('t', 'sensors'), true);
    assert.deepEqual(out, ['d', 'c']);
    // Two of each: a third would only trade places.
    assert.equal(join('u', 'sensors'), false);
    assert.equal(one.size, 7);
  });

  test('one that leaves twice, or was never there, is no matter', () => {
    const { admission: one, named } = admission();
    one.enter(named('a'), 'listener');
    one.leave(named('a'));
    one.leave(named('a'));
    one.leave(named('b'));
    assert.equal(one.size, 0);
  });
});

/** Dials, and goes on whether it is let in or not. */
async function dial(path: string): Promise<Socket> {
  const socket = connect(path).on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** How long a message with PUBACK takes, in milliseconds. */
async function latency(client: RawClient, id: number): Promise<number> {
  const from = performance.now();
  client.publish('t', id);
  await client.next('puback');
  return performance.now() - from;
}

describe('a flood costs the others nothing', () => {
  test('a thousand connections without CONNECT, on the same socket and on another', async (t) => {
    const { server, socketOf } = stage(t);
    const [sensors, flood] = [await socketOf('sensors'), await socketOf('flood')];
    await using old = await RawClient.open(sensors, { clientId: 'old' });
    await using own = await RawClient.open(flood, { clientId: 'own' });
    const sockets: Socket[] = [];
    let worst = 0;
    for (let round = 1; round <= 20; round += 1) {
      sockets.push(...(await Promise.all(Array.from({ length: 50 }, () => dial(flood)))));
      worst = Math.max(worst, await latency(old, round), await latency(own, round));
      // A new client of the other program, and one of the same, come in, too.
      await using _young = await RawClient.open(sensors, { clientId: `young-${round}` });
      await using _second = await RawClient.open(flood, { clientId: `second-${round}` });
      assert.ok(server.connections <= 128, `${server.connections}`);
    }
    assert.ok(worst < 500, `${worst} ms`);
    t.diagnostic(`worst PUBACK ${worst.toFixed(1)} ms`);
    for (const socket of sockets) socket.destroy();
  });

  test('a thousand connections of one program', async (t) => {
    const { server, notes, socketOf } = stage(t);
    const [sensors, flood] = [await socketOf('sensors'), await socketOf('flood')];
    await using old = await RawClient.open(sensors);
    const clients: RawClient[] = [];
    const answers: number[] = [];
    for (let number = 0; number < 1_000; number += 1) {
      const client = await RawClient.dial(flood);
      clients.push(client);
      client.send({ ...CONNECT, clientId: `c-${number}` });
      const connack = await client.next('connack');
      answers.push(connack.cmd === 'connack' ? (connack.returnCode ?? -1) : -1);
    }
    assert.deepEqual(
      [answers.filter((code) => code === 0).length, answers.filter((code) => code === 3).length],
      [16, 984],
    );
    // Its first sixteen work on, and so do others.
    for (const client of clients.slice(0, 16)) assert.ok((await latency(client, 1)) < 500);
    assert.ok((await latency(old, 1)) < 500);
    assert.equal(server.connections, 17);
    assert.equal(notes.clients.length, 17);
    for (const client of clients) client.socket.destroy();
  });

  test('a reconnect of a program that has all its connections takes over its own', async (t) => {
    const { socketOf } = stage(t);
    const path = await socketOf('sensors');
    const clients = await Promise.all(
      Array.from({ length: 16 }, (_, number) => RawClient.open(path, { clientId: `c-${number}` })),
    );
    await using _again = await RawClient.open(path, { clientId: 'c-7' });
    await clients[7]?.closed;
    assert.equal(clients.filter(({ isClosed }) => isClosed).length, 1);
    for (const client of clients) client.socket.destroy();
  });
});
