import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Packet } from 'mqtt-packet';
import { mqttPacket } from '../../../../agent/mqtt/packets.ts';
import { Frames } from '../../../../agent/uplink/wire/frames.ts';
import { Violation } from '../../../../agent/uplink/wire/violation.ts';
import { CONNECT, RawClient } from './raw-client.ts';
import { stage } from './stage.ts';

const topic = fc.oneof(fc.string(), fc.constantFrom('t', 'devices/d/messages/events/', '#', ''));
const id = fc.integer({ min: 0, max: 65_535 });
const body = fc.uint8Array({ maxLength: 2_000 }).map((bytes) => Buffer.from(bytes));
const qos = fc.constantFrom(0, 1, 2);

/** Packets of either side, mostly those of a client. */
const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc.record({
    cmd: fc.constant('publish'),
    topic,
    payload: body,
    qos,
    messageId: id,
    dup: fc.boolean(),
    retain: fc.boolean(),
  }),
  fc.record({ cmd: fc.constant('puback'), messageId: id }),
  fc.record({ cmd: fc.constant('pubrel'), messageId: id }),
  fc.record({
    cmd: fc.constant('subscribe'),
    messageId: id,
    subscriptions: fc.array(fc.record({ topic, qos }), { minLength: 1, maxLength: 5 }),
  }),
  fc.record({ cmd: fc.constant('unsubscribe'), messageId: id, unsubscriptions: fc.array(topic, { minLength: 1 }) }),
  fc.constantFrom({ cmd: 'pingreq' } as const, { cmd: 'disconnect' } as const, CONNECT),
) as fc.Arbitrary<Packet>;

/** Bytes of a packet, some of them changed, left out or put in. */
const mutated = fc
  .tuple(packet, fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('set', 'cut', 'add')), { maxLength: 4 }))
  .map(([one, changes]) => {
    const bytes = [...mqttPacket.generate(one)];
    for (const [at, byte, how] of changes) {
      const place = at % Math.max(1, Math.min(bytes.length, 40));
      bytes.splice(place, how === 'add' ? 0 : 1, ...(how === 'cut' ? [] : [byte]));
    }
    return Buffer.from(bytes);
  });

const noise = fc.oneof(
  { weight: 4, arbitrary: mutated },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
);

test('whatever bytes come: at worst that connection ends, and the others are served', async (t) => {
  const { server, notes, lines, socketOf } = stage(t);
  const path = await socketOf('sensors');
  await using other = await RawClient.open(await socketOf('meter'));
  let number = 0;
  await fc.assert(
    fc.asyncProperty(fc.boolean(), fc.array(noise, { maxLength: 12 }), async (connects, chunks) => {
      const socket = connect(path).on('error', () => {});
      await once(socket, 'connect');
      socket.resume();
      if (connects) socket.write(mqttPacket.generate(CONNECT));
      for (const chunk of chunks) socket.write(chunk);
      socket.end();
      await once(socket, 'close');
      number = (number % 65_000) + 1;
      other.publish('t', number);
      assert.equal((await other.next('puback')).messageId, number);
    }),
    { numRuns: 1_500 },
  );
  while (server.connections > 1) await new Promise(setImmediate);
  // Each client that was opened has been closed, and no message was odd.
  assert.equal(
    notes.events.filter((event) => event.startsWith('opened sensors')).length,
    notes.events.filter((event) => event.startsWith('closed sensors')).length,
  );
  assert.ok(notes.came.some(({ client }) => client.program === 'sensors'));
  for (const came of notes.came) assert.match(came.topic, /^[^#+\0]+$/);
  assert.deepEqual(
    lines.filter(({ event }) => event !== 'uplink-closed'),
    [],
  );
});

test('packets are cut the same however the bytes are split, and never beyond the bound', () => {
  const longest = { longestConnect: 200, longestPacket: 2_100 };
  const cut = (chunks: readonly Buffer[]): readonly string[] => {
    const frames = new Frames(longest);
    const found: string[] = [];
    try {
      for (const chunk of chunks) {
        frames.push(chunk);
        for (let frame = frames.next(); frame !== undefined; frame = frames.next()) found.push(frame.toString('hex'));
      }
    } catch (error) {
      assert.ok(error instanceof Violation, String(error));
      found.push(error.message);
    }
    return found;
  };
  fc.assert(
    fc.property(fc.array(noise, { maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 60 })), (chunks, sizes) => {
      const whole = Buffer.concat([mqttPacket.generate(CONNECT), ...chunks]);
      const parts: Buffer[] = [];
      let from = 0;
      for (const size of sizes) {
        parts.push(whole.subarray(from, from + size));
        from += size;
      }
      parts.push(whole.subarray(from));
      const once = cut([whole]);
      assert.deepEqual(cut(parts), once);
      for (const frame of once) assert.ok(frame.length <= 2 * (longest.longestPacket + 5));
    }),
    { numRuns: 3_000 },
  );
});
