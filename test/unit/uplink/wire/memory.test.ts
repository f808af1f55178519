import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { mqttPacket } from '../../../../agent/mqtt/packets.ts';
import { CONNECT, RawClient } from './raw-client.ts';
import { stage } from './stage.ts';

const MIB = 2 ** 20;
setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

/** What lives, garbage apart. */
const memory = (): number => {
  collect();
  const { external, heapUsed } = process.memoryUsage();
  return external + heapUsed;
};

/** Writes until the other side takes no more, or closes. @returns bytes that went out */
async function pour(client: RawClient, bytes: Buffer, most: number): Promise<number> {
  let sent = 0;
  while (sent < most && !client.isClosed) {
    sent += bytes.length;
    if (client.socket.write(bytes)) continue;
    const drained = await Promise.race([
      once(client.socket, 'drain').then(() => true),
      client.closed.then(() => false),
      new Promise<false>((resolve) => setTimeout(resolve, 200, false)),
    ]);
    if (!drained) break;
  }
  return sent;
}

describe('what a client may cost', () => {
  test('a flood of messages that cannot be stored stops in the sockets', async (t) => {
    const { notes, socketOf } = stage(t);
    notes.byHand = true;
    const path = await socketOf('sensors');
    await using other = await RawClient.open(await socketOf('meter'));
    await using client = await RawClient.open(path);
    const message = mqttPacket.generate({
      cmd: 'publish',
      topic: 't',
      payload: Buffer.alloc(1_000),
      qos: 1,
      messageId: 1,
      dup: false,
      retain: false,
    });
    const before = memory();
    const sent = await pour(client, message, 100 * MIB);
    assert.ok(sent < 4 * MIB, `${sent} bytes were taken`);
    assert.equal(notes.came.length, 64);
    const grown = memory() - before;
    assert.ok(grown < 4 * MIB, `${grown / MIB} MiB`);
    other.send({ cmd: 'pingreq' });
    await other.next('pingresp');
  });

  test('a client that asks and never reads is not read from', async (t) => {
    const { server, socketOf } = stage(t);
    const path = await socketOf('sensors');
    const socket = connect(path);
    const client = new RawClient(socket);
    client.send(CONNECT);
    await client.next('connack');
    socket.pause();
    const before = memory();
    const pings = Buffer.concat(Array.from({ length: 10_000 }, () => mqttPacket.generate({ cmd: 'pingreq' })));
    const sent = await pour(client, pings, 50 * MIB);
    assert.ok(sent < 4 * MIB, `${sent} bytes were taken`);
    const grown = memory() - before;
    assert.ok(grown < 4 * MIB, `${grown / MIB} MiB`);
    t.diagnostic(`${(grown / MIB).toFixed(1)} MiB`);
    assert.equal(server.connections, 1);
    await using other = await RawClient.open(path, { clientId: 'other' });
    other.publish('t', 1);
    await other.next('puback');
    socket.destroy();
    await client.closed;
  });

  test('a client that does not read its messages is closed beyond 1 MiB', async (t) => {
    const { notes, lines, socketOf } = stage(t);
    const socket = connect(await socketOf('sensors'));
    const client = new RawClient(socket);
    client.send(CONNECT);
    await client.next('connack');
    socket.pause();
    const [one] = notes.clients;
    const payload = Buffer.alloc(100_000);
    let sent = 0;
    await assert.rejects(async () => {
      for (; sent < 100; sent += 1) await one?.publish({ topic: 't', payload }, 0);
    }, /does not read what it is sent/);
    assert.ok(sent >= 10 && sent < 20, `${sent} messages`);
    await notes.until(() => notes.events.at(-1) === 'closed sensors/dev');
    assert.match(lines[0]?.message ?? '', /does not read/);
    socket.destroy();
  });
});
