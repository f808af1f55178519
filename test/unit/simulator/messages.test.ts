import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { IPublishPacket } from 'mqtt-packet';
import { readBag } from '../../simulator/bag.ts';
import type { ClientIdentity } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { Wire } from './wire.ts';

const ID = 'gw-1';
const MAIL = `devices/${ID}/messages/devicebound/#`;

let simulator: Simulator;
let leaf: ClientIdentity;

before(async () => {
  simulator = await startSimulator();
  leaf = await simulator.clientIdentity(ID);
});
after(() => simulator.close());
beforeEach(async () => {
  if ((await simulator.device(ID)) !== null) await simulator.forget(ID);
  await simulator.writeDevice('hub1', ID, leaf.thumbprint);
});

const enter = (host = simulator.endpoints.hub1) => Wire.enter(simulator.endpoints, host, ID, leaf, false);
async function message(wire: Wire): Promise<IPublishPacket> {
  const packet = await wire.next();
  assert.ok(packet.cmd === 'publish', packet.cmd);
  return packet;
}
async function acknowledge(wire: Wire, { messageId = 0, payload }: IPublishPacket): Promise<void> {
  const since = simulator.log.entries.length;
  wire.send({ cmd: 'puback', messageId });
  await simulator.log.waitFor({ event: 'message-acknowledged', body: String(payload) }, 60_000, since);
}

test('the topic has system and application properties, and the body is bytes', async () => {
  const wire = await enter();
  assert.equal(await wire.subscribe(MAIL, 1), 1);
  const body = Buffer.from([0, 0xff, 0x80]);
  await simulator.sendToDevice(ID, body.toString('base64'), {
    base64: true,
    system: { mid: 'm 1', ct: 'application/json' },
    ack: 'full',
    properties: { 'a&b': 'ä', none: null, empty: '' },
  });
  const { topic, payload, qos, dup } = await message(wire);
  assert.ok(Buffer.from(payload).equals(body));
  assert.deepEqual([qos, dup], [1, false]);
  const prefix = `devices/${ID}/messages/devicebound/`;
  assert.ok(
    topic.startsWith(`${prefix}%24.mid=m%201&%24.to=%2Fdevices%2Fgw-1%2Fmessages%2FdeviceBound&%24.ct=`),
    topic,
  );
  assert.deepEqual(readBag(topic.slice(prefix.length)), [
    ['$.mid', 'm 1'],
    ['$.to', `/devices/${ID}/messages/deviceBound`],
    ['$.ct', 'application/json'],
    ['iothub-ack', 'full'],
    ['a&b', 'ä'],
    ['none', null],
    ['empty', ''],
  ]);
  await wire.leave();
});

test('each message has an ID of its own; one beyond 64 KB is refused', async () => {
  const wire = await enter();
  await wire.subscribe(MAIL, 0);
  await simulator.sendToDevice(ID, 'x'.repeat(65_536));
  await simulator.sendToDevice(ID, 'two');
  await assert.rejects(simulator.sendToDevice(ID, 'x'.repeat(65_537)), /^Error: 413001 /);
  const [first, second] = [await message(wire), await message(wire)].map(
    ({ topic }) => /%24\.mid=([^&]+)/.exec(topic)?.[1],
  );
  assert.ok(first && second && first !== second);
  await wire.leave();
});

test('with a subscription of QoS 0 a message is gone when it was sent', async () => {
  const first = await enter();
  assert.equal(await first.subscribe(MAIL, 0), 0);
  await simulator.sendToDevice(ID, 'once');
  const { qos, messageId } = await message(first);
  assert.deepEqual([qos, messageId], [0, undefined]);
  await first.leave();
  const second = await enter();
  await simulator.sendToDevice(ID, 'next');
  assert.equal(String((await message(second)).payload), 'next');
  await second.leave();
});

test('messages wait while the device does not subscribe, and come in order when it does again', async () => {
  const wire = await enter();
  await wire.subscribe(MAIL, 1);
  wire.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [MAIL] });
  assert.equal((await wire.next()).cmd, 'unsuback');
  await simulator.sendToDevice(ID, 'a');
  await simulator.sendToDevice(ID, 'b');
  assert.equal(await wire.subscribe(MAIL, 1), 1, 'SUBACK is the next packet: nothing came before it');
  const [a, b] = [await message(wire), await message(wire)];
  assert.deepEqual([String(a.payload), String(b.payload)], ['a', 'b']);
  await acknowledge(wire, a);
  await acknowledge(wire, b);
  await wire.leave();
});

// azure-iot-sdk-csharp#674: "Client MUST send PUBACK packets in the order in which the corresponding PUBLISH packets were received".
test('a PUBACK out of order ends the session, and all messages come again', async () => {
  const wire = await enter();
  await wire.subscribe(MAIL, 1);
  await simulator.sendToDevice(ID, 'a');
  await simulator.sendToDevice(ID, 'b');
  const [, b] = [await message(wire), await message(wire)];
  const since = simulator.log.entries.length;
  wire.send({ cmd: 'puback', messageId: b.messageId ?? 0 });
  await wire.closed;
  await simulator.log.waitFor({ event: 'disconnected', reason: 'PUBACK out of order' }, 60_000, since);
  const back = await enter();
  const again = [await message(back), await message(back)];
  assert.deepEqual(
    again.map(({ payload, dup }) => [String(payload), dup]),
    [
      ['a', true],
      ['b', true],
    ],
  );
  for (const one of again) await acknowledge(back, one);
  await back.leave();
});

test('a hub that does not insist takes PUBACKs in any order', async () => {
  await simulator.set({ acksInOrder: false });
  const wire = await enter();
  await wire.subscribe(MAIL, 1);
  await simulator.sendToDevice(ID, 'a');
  await simulator.sendToDevice(ID, 'b');
  const [a, b] = [await message(wire), await message(wire)];
  await acknowledge(wire, b);
  await acknowledge(wire, a);
  await simulator.set({ acksInOrder: true });
  await wire.leave();
});

test('another hub has neither the subscriptions nor the messages of this one', async () => {
  const first = await enter();
  await first.subscribe(MAIL, 1);
  await first.leave();
  await simulator.sendToDevice(ID, 'for hub1');
  await simulator.writeDevice('hub2', ID, leaf.thumbprint);
  const second = await enter(simulator.endpoints.hub2);
  // The hub with the session is the one that sends: it goes out to no subscriber, and waits.
  await simulator.sendToDevice(ID, 'for hub2');
  assert.equal(await second.subscribe(MAIL, 1), 1, 'SUBACK is the first packet');
  const only = await message(second);
  assert.equal(String(only.payload), 'for hub2');
  await acknowledge(second, only);
  await second.leave();
  const back = await enter();
  assert.equal(String((await message(back)).payload), 'for hub1');
  await back.leave();
  simulator.registries.hub2.remove(ID);
});
