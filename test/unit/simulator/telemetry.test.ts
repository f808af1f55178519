import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { ClientIdentity } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { Wire } from './wire.ts';

const EVENTS = 'devices/gw-1/messages/events/';

let simulator: Simulator;
let leaf: ClientIdentity;
/** How much had arrived before the test. */
let sinceTest: number;
let wire: Wire;

before(async () => {
  simulator = await startSimulator();
  leaf = await simulator.clientIdentity('gw-1');
  await simulator.writeDevice('hub1', 'gw-1', leaf.thumbprint);
});
after(() => simulator.close());
beforeEach(async () => {
  sinceTest = (await simulator.telemetry('hub1', 'gw-1', 0, 0)).arrived;
  wire = await Wire.enter(simulator.endpoints, simulator.endpoints.hub1, 'gw-1', leaf);
});

const arrived = async () => (await simulator.telemetry('hub1', 'gw-1', sinceTest)).messages;
async function acknowledged(messageId: number): Promise<void> {
  const packet = await wire.next();
  assert.deepEqual([packet.cmd, packet.messageId], ['puback', messageId]);
}

test('what arrives is kept as it came: bag, body, order, connection, flags', async () => {
  const bag = '%24.mid=1&a%20b=%C3%A4+c&empty=&none';
  wire.tell('gw-1', 7, 'one', { bag });
  wire.send({ cmd: 'publish', topic: EVENTS, payload: 'two', qos: 0, dup: false, retain: true });
  wire.tell('gw-1', 8, Buffer.from([0xff, 0x00]), { bag: '?x=1/', dup: true });
  await acknowledged(7);
  await acknowledged(8);
  const { connection } = await simulator.log.waitFor({ event: 'telemetry', reason: bag });
  const [first, second, third, ...more] = await arrived();
  assert.deepEqual(more, []);
  const { at = 0, ...rest } = first ?? {};
  assert.ok(Math.abs(Date.now() - at) < 5_000);
  assert.deepEqual(rest, {
    index: sinceTest + 1,
    connection,
    bag,
    body: 'one',
    qos: 1,
    properties: { '$.mid': '1', 'a b': 'ä+c', empty: '', none: null },
  });
  assert.deepEqual(
    [second?.body, second?.qos, second?.retain, second?.properties],
    ['two', 0, true, { 'mqtt-retain': 'true' }],
  );
  assert.deepEqual(
    [third?.body, third?.base64, third?.dup, third?.bag, third?.properties],
    ['/wA=', true, true, '?x=1/', { x: '1' }],
  );
  await wire.leave();
});

test('a back end reads on from the index that it has, or counts only', async () => {
  for (const n of [1, 2, 3]) {
    wire.tell('gw-1', n, `n${n}`);
    await acknowledged(n);
  }
  const bodies = async (since: number, most?: number) =>
    (await simulator.telemetry('hub1', 'gw-1', sinceTest + since, most)).messages.map(({ body }) => body);
  assert.deepEqual(await bodies(0, 2), ['n1', 'n2']);
  assert.deepEqual(await bodies(2), ['n3']);
  assert.deepEqual(await bodies(3), []);
  const counts = await simulator.telemetry('hub1', 'gw-1', 0, 0);
  assert.deepEqual(counts, { arrived: sinceTest + 3, again: 0, forgotten: 0, messages: [] });
  assert.equal((await simulator.telemetry('hub2', 'gw-1')).arrived, 0, 'the other hub has its own');
  await wire.leave();
});

test('the log has the index of each message, and its body where that is short', async () => {
  wire.tell('gw-1', 1, 'x'.repeat(257));
  wire.tell('gw-1', 2, 'y'.repeat(256));
  await acknowledged(1);
  await acknowledged(2);
  const [long, short] = simulator.log.matching(({ event, code = 0 }) => event === 'telemetry' && code > sinceTest);
  assert.deepEqual([long?.code, long?.body], [sinceTest + 1, undefined]);
  assert.deepEqual([short?.code, short?.body], [sinceTest + 2, 'y'.repeat(256)]);
  await wire.leave();
});

// iot-hub-devguide-messages-construct: body, names and values of application properties, values of system properties.
test('a message may have 262,144 bytes, properties included', async () => {
  const bag = '%24.ct=json&k=%C3%A4';
  wire.tell('gw-1', 1, 'x'.repeat(262_144 - 'json'.length - 'k'.length - 2), { bag });
  await acknowledged(1);
  await wire.leave();
});

const closing: readonly [string, RegExp, () => void][] = [
  [
    'a message of 262,145 bytes',
    /^message of 262145 bytes$/,
    () => wire.tell('gw-1', 1, 'x'.repeat(262_138), { bag: 'k=%C3%A4&none' }),
  ],
  ['the topic of another device', /^PUBLISH to /, () => wire.tell('gw-2', 1, 'x')],
  ['an escape that is none', /^malformed properties/, () => wire.tell('gw-1', 1, 'x', { bag: 'a=%4' })],
  ['an escape that is no UTF-8', /^malformed properties/, () => wire.tell('gw-1', 1, 'x', { bag: 'a=1&%E4' })],
  [
    'a topic of nothing that a hub knows',
    /^PUBLISH to /,
    () => wire.send({ cmd: 'publish', topic: '$iothub/x', payload: '', qos: 0, dup: false, retain: false }),
  ],
  [
    'QoS 2',
    /^PUBLISH of QoS 2$/,
    () => wire.send({ cmd: 'publish', topic: EVENTS, payload: '', qos: 2, messageId: 1, dup: false, retain: false }),
  ],
];
for (const [what, reason, send] of closing) {
  test(`${what}: the connection is closed without a word, and nothing is taken`, async () => {
    const since = simulator.log.entries.length;
    send();
    await wire.closed;
    await assert.rejects(wire.next());
    const ended = await simulator.log.waitFor({ event: 'disconnected', clientId: 'gw-1' }, 60_000, since);
    assert.match(ended.reason ?? '', reason);
    assert.deepEqual(await arrived(), []);
  });
}

const five = [
  '$iothub/twin/res/#',
  '$iothub/methods/POST/#',
  'devices/gw-1/messages/devicebound/#',
  '$iothub/a',
  '$iothub/b',
];
// iot-mqtt-connect-to-iot-hub: "A device can only subscribe to five topics at a time".
test('the sixth topic closes the connection; one topic may be subscribed to again', async () => {
  for (const topic of [...five, ...five]) assert.equal(await wire.subscribe(topic, 1), 1);
  assert.equal(await wire.subscribe('devices/gw-2/messages/devicebound/#', 1), 128, 'of another device');
  await assert.rejects(wire.subscribe('$iothub/c', 1));
});

test('the sixth topic can be refused instead, and there is room again after UNSUBSCRIBE', async () => {
  await simulator.set({ sixthSubscription: 'refuse' });
  for (const topic of five) assert.equal(await wire.subscribe(topic, 1), 1);
  assert.equal(await wire.subscribe('$iothub/c', 1), 128);
  wire.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['$iothub/a'] });
  assert.equal((await wire.next()).cmd, 'unsuback');
  assert.equal(await wire.subscribe('$iothub/c', 1), 1);
  await simulator.set({ sixthSubscription: 'close' });
  await wire.leave();
});
