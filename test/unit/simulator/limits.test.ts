import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Wire } from '../../clients/wire.ts';
import { silenceMs } from '../../simulator/mqtt-link.ts';
import { tooLarge, wellFormed } from '../../simulator/twin-limits.ts';
import { staged } from './stage.ts';

const ID = 'gw-1';
const MAIL = `devices/${ID}/messages/devicebound/#`;
const SMALLEST = -4_503_599_627_370_495;

const { simulator, leaf } = await staged();
let wire: Wire;

beforeEach(async () => {
  if (await simulator.device(ID)) await simulator.forget(ID);
  await simulator.writeDevice('hub1', ID, leaf.thumbprint);
  wire = await enter();
});
afterEach(() => wire.leave());

const enter = () => Wire.enter(simulator.endpoints, simulator.endpoints.hub1, ID, leaf, false);

// iot-mqtt-connect-to-iot-hub: the service waits 1.5 times the keepalive of the client, and 29.45 minutes at most.
test('the silence that a keepalive allows', () => {
  for (const [keepalive, ms] of [
    [1, 1_500],
    [1_177, 1_765_500],
    [1_178, 1_767_000],
    [0, 1_767_000],
  ] as const) {
    assert.equal(silenceMs(keepalive), ms);
  }
});

const deep = (levels: number): object => (levels === 1 ? { end: 1 } : { down: deep(levels - 1) });
const shapes: readonly (readonly [what: string, properties: object, taken: boolean])[] = [
  ['ten levels', deep(10), true],
  ['eleven levels', deep(11), false],
  ['eleven levels below a list', { list: [deep(10)] }, false],
  ['null, which removes', { a: null, b: { c: null } }, true],
  ['a null in a list', { list: [1, null] }, false],
  ['all kinds of values', { t: 'ä', n: 1.5, i: SMALLEST, b: false, o: {}, l: ['x', [1]] }, true],
  ['an integer beyond 52 bits', { i: SMALLEST - 1 }, false],
  ['a dot in a key', { 'a.b': 1 }, false],
  ['a dollar in a key', { o: { $a: 1 } }, false],
  ['a space in a key', { 'a b': 1 }, false],
  ['a control character in a key', { 'a\u0085': 1 }, false],
  ['a key of 1 KB', { ['k'.repeat(1_024)]: 1 }, true],
  ['a longer key', { ['k'.repeat(1_025)]: 1 }, false],
  ['a text of 4 KB', { t: 't'.repeat(4_096) }, true],
  ['a longer text', { t: 'ä'.repeat(2_049) }, false],
];
test('what a twin takes: shapes, and 32 KB of keys and values, 8 for a number, 4 for a boolean', () => {
  for (const [what, properties, taken] of shapes) assert.equal(wellFormed(properties), taken, what);
  const full = (length: number) => ({ a: 1, b: true, c: { d: ['x'.repeat(length)] }, e: '\u0007'.repeat(40_000) });
  const rest = 32_768 - (1 + 8) - (1 + 4) - (1 + 1) - 1;
  assert.deepEqual([tooLarge(full(rest)), tooLarge(full(rest + 1))], [false, true]);
});

test('a device is told by status what is wrong with its report, and nothing is written then', async () => {
  await wire.subscribe('$iothub/twin/res/#', 0);
  const report = async (asked: string, payload: string): Promise<string> => {
    wire.publish(`$iothub/twin/PATCH/properties/reported/?${asked}`, payload);
    const packet = await wire.next();
    assert.ok(packet.cmd === 'publish');
    const topic = packet.topic.replace('$iothub/twin/res/', '');
    // azure-iot-device-mqtt takes an answer without an `errorCode` for a yes, whatever its status.
    if (!topic.startsWith('204')) assert.ok(JSON.parse(String(packet.payload)).errorCode >= 400_000);
    return topic;
  };
  const part = (name: string) => JSON.stringify({ [name]: Array.from('1234', () => 'x'.repeat(4_000)) });
  assert.equal(await report('$rid=1', part('a')), '204/?$rid=1&$version=2');
  assert.equal(await report('$rid=2', part('b')), '204/?$rid=2&$version=3');
  for (const oversizedReported of [403, 400, 413] as const) {
    await simulator.set({ oversizedReported });
    assert.equal(await report('$rid=3', part('c')), `${oversizedReported}/?$rid=3`, 'too much together');
  }
  for (const [asked, payload, answer] of [
    ['$rid=4', '{"b":null}', '204/?$rid=4&$version=4'],
    ['$rid=5', part('c'), '204/?$rid=5&$version=5'],
    ['$rid=6', JSON.stringify(deep(11)), '400/?$rid=6'],
    ['$rid=7', '{"a":', '400/?$rid=7'],
    ['$rid=7', '[1,2]', '400/?$rid=7'],
    ['$rid=8&$version=4', '{"d":1}', '412/?$rid=8'],
    ['$rid=9&$version=5', '{"d":1}', '204/?$rid=9&$version=6'],
  ] as const) {
    assert.equal(await report(asked, payload), answer);
  }
  assert.deepEqual(Object.keys((await simulator.twin(ID)).reported), ['a', 'c', 'd']);
});

// iot-hub-devguide-messages-construct: body, names and values of application properties, values of system properties.
test('a message may have 262,144 bytes, properties included', async () => {
  const bag = '%24.ct=json&k=%C3%A4';
  wire.tell(ID, 1, 'x'.repeat(262_144 - 'json'.length - 'k'.length - 2), { bag });
  assert.equal((await wire.next()).cmd, 'puback');
});

const LARGEST = 'x'.repeat(262_138);
const closing: readonly (readonly [what: string, reason: RegExp, send: () => void])[] = [
  ['262,145 bytes', /^message of 262145 bytes$/, () => wire.tell(ID, 1, LARGEST, { bag: 'k=%C3%A4&none' })],
  ['the topic of another device', /^PUBLISH to /, () => wire.tell('gw-2', 1, 'x')],
  ['an escape that is none', /^malformed properties/, () => wire.tell(ID, 1, 'x', { bag: 'a=%4' })],
  ['an escape that is no UTF-8', /^malformed properties/, () => wire.tell(ID, 1, 'x', { bag: 'a=1&%E4' })],
  ['a topic of nothing that a hub knows', /^PUBLISH to /, () => wire.publish('$iothub/x')],
  ['QoS 2', /^PUBLISH of QoS 2$/, () => wire.tell(ID, 1, 'x', { qos: 2 })],
];
for (const [what, reason, send] of closing) {
  test(`${what}: the connection is closed without a word, and nothing is taken`, async () => {
    const { arrived } = await simulator.telemetry('hub1', ID, 0, 0);
    const since = simulator.log.entries.length;
    send();
    await assert.rejects(wire.next());
    const ended = await simulator.log.waitFor({ event: 'disconnected', clientId: ID }, 60_000, since);
    assert.match(ended.reason ?? '', reason);
    assert.equal((await simulator.telemetry('hub1', ID, 0, 0)).arrived, arrived);
  });
}

// iot-mqtt-connect-to-iot-hub: "A device can only subscribe to five topics at a time".
test('a device subscribes to five topics of its own: the sixth closes the connection, or is refused', async () => {
  const five = ['$iothub/twin/res/#', '$iothub/methods/POST/#', MAIL, '$iothub/a', '$iothub/b'];
  for (const topic of [...five, ...five]) assert.equal(await wire.subscribe(topic, 1), 1);
  assert.equal(await wire.subscribe('devices/gw-2/messages/devicebound/#', 1), 128, 'of another device');
  await simulator.set({ sixthSubscription: 'refuse' });
  assert.equal(await wire.subscribe('$iothub/c', 1), 128);
  wire.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['$iothub/a'] });
  assert.equal((await wire.next()).cmd, 'unsuback');
  assert.equal(await wire.subscribe('$iothub/c', 1), 1);
  await simulator.set({ sixthSubscription: 'close' });
  await assert.rejects(wire.subscribe('$iothub/d', 1));
});

test('fifty messages wait for a device, of 64 KB each', async () => {
  await assert.rejects(simulator.sendToDevice(ID, 'x'.repeat(65_537)), /^Error: 413001 /);
  await simulator.sendToDevice(ID, 'x'.repeat(65_536));
  for (let n = 1; n < 50; n += 1) await simulator.sendToDevice(ID, String(n));
  await assert.rejects(simulator.sendToDevice(ID, '50'), /^Error: 403004 /);
});

async function messages(): Promise<{ messageId: number; said: unknown[] }[]> {
  const packets = [await wire.next(), await wire.next()];
  return packets.map((packet) => {
    assert.ok(packet.cmd === 'publish');
    return { messageId: packet.messageId ?? 0, said: [String(packet.payload), packet.qos, packet.dup] };
  });
}
const acknowledged = (body: string) => simulator.log.waitFor({ event: 'message-acknowledged', body });

// azure-iot-sdk-csharp#674: "Client MUST send PUBACK packets in the order in which the corresponding PUBLISH packets were received".
test('a PUBACK out of order ends the session, and all messages come again; a hub may take any order', async () => {
  for (const body of ['a', 'b']) await simulator.sendToDevice(ID, body);
  await wire.subscribe(MAIL, 1);
  const [, b] = await messages();
  wire.send({ cmd: 'puback', messageId: b?.messageId ?? 0 });
  await wire.closed;
  await simulator.log.waitFor({ event: 'disconnected', reason: 'PUBACK out of order' });
  await simulator.set({ acksInOrder: false });
  wire = await enter();
  const again = await messages();
  assert.deepEqual(
    again.map(({ said }) => said),
    ['a', 'b'].map((body) => [body, 1, true]),
  );
  for (const { messageId } of again.toReversed()) wire.send({ cmd: 'puback', messageId });
  await Promise.all([acknowledged('b'), acknowledged('a')]);
});
