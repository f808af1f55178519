import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { leafNamed } from '../mqtt/certificates.ts';
import { quiet } from '../mqtt/quiet.ts';
import { at, call, codeOf, connected, never, written } from './hub-side.ts';

quiet();

const C2D = 'devices/gw-0001/messages/devicebound';
const DESIRED = '$iothub/twin/PATCH/properties/desired';
const METHOD = '$iothub/methods/POST';
const TWIN = '$iothub/twin/res';

/** What a hub, or other software with the identity of this gateway and a subscription that persists, can make the hub send. */
const DROPPED: readonly (readonly [topic: string, payload?: string | Buffer])[] = [
  // The SDK decodes the properties of a message: uncaught URIError (azure-iot-device-mqtt 1.16.4, mqtt.js).
  [`${C2D}/%`, 'x'],
  [`${C2D}/a=%E0%A4%A`, 'x'],
  [`${C2D}/%24.mid=1&%24.to=%2Fdevices%2Fgw-0001&b`, 'x'],
  [`${C2D}/`, Buffer.from([0xff, 0xfe, 0x00])],
  [C2D],
  ['devices/gw-0001/modules/m/inputs/i/a=%', 'x'],
  ['devices/another/messages/devicebound/%', 'x'],
  // It parses desired properties: uncaught SyntaxError (mqtt_twin_client.js).
  [`${DESIRED}/?$version=2`],
  [`${DESIRED}/?$version=2`, '{'],
  [`${DESIRED}/?$version=2`, '<html>'],
  [`${DESIRED}/?$version=2`, '{"a":1,"$version":2}'],
  [`${DESIRED}/?$version=2`, 'null'],
  [DESIRED, '[]'],
  // Two request IDs are an array to it, none is undefined: uncaught ReferenceError (device_method_request.js).
  [`${METHOD}/leafStatus/?$rid=1&$rid=2`, '{}'],
  [`${METHOD}/leafStatus/?$rid=1&%24rid=2`, '{}'],
  [`${METHOD}/leafStatus/?$rid=`, '{}'],
  [`${METHOD}/leafStatus/?$rid`, '{}'],
  [`${METHOD}/leafStatus/?%24rid=`, '{}'],
  [`${METHOD}/leafStatus/?`, '{}'],
  [`${METHOD}/leafStatus/`, '{}'],
  [`${METHOD}/leafStatus#/?$rid=1`, '{}'],
  [`${METHOD}/leaf#Status/?$rid=1`, '{}'],
  [`${METHOD}/leafStatus/?a=#&$rid=1`, '{}'],
  [`${METHOD}/leafStatus\\/?$rid=1`, '{}'],
  [`${METHOD}//?$rid=1`, '{}'],
  [`${METHOD}/?$rid=1`, '{}'],
  [`${METHOD}?$rid=1`, '{}'],
  [`${METHOD}/constructor/?$rid=1`, '{}'],
  [`${METHOD}/__proto__/?$rid=1`, '{}'],
  [`${METHOD}/unknown/?$rid=1`, '{}'],
  [`${METHOD}/leafStatus/more/?$rid=1`, '{}'],
  // A request ID goes back in a topic, where these are not allowed: the hub ends the connection.
  [`${METHOD}/leafStatus/?$rid=%23`, '{}'],
  [`${METHOD}/leafStatus/?$rid=a%2Bb`, '{}'],
  [`${METHOD}/leafStatus/?$rid=%00`, '{}'],
  [`${METHOD}/leafStatus/?$rid=%`, '{}'],
  [`${METHOD}/leafStatus/?$rid=${'9'.repeat(60_000)}`, '{}'],
  ['$iothub/methods/GET/leafStatus/?$rid=1', '{}'],
  ['$iothub/methods/res/200/?$rid=1', '{}'],
  ['$iothub/methods', '{}'],
  // The SDK looks a request up in an object with a prototype: uncaught TypeError, "requestCallback is not a function".
  [`${TWIN}/200/?$rid=__proto__`, '{}'],
  [`${TWIN}/200/?$rid=valueOf`, '{}'],
  [`${TWIN}/200/?$rid=unasked`, '<html>'],
  [`${TWIN}/200/?$rid=unasked`],
  [`${TWIN}/500/?$rid=unasked`, '{"errorCode":500001}'],
  [`${TWIN}/200/?$rid=a&$rid=b`, '{}'],
  [`${TWIN}/200/`, '{}'],
  [TWIN, '{}'],
  [`${TWIN}ult/200/?$rid=1`, '{'],
  ['$iothub', 'x'],
  ['$dps/registrations/res/200/?$rid=1', '{'],
  ['$SYS/broker/uptime', '1'],
  ['/', 'x'],
  ['a'.repeat(65_000), 'x'],
  [`${C2D}/%ff`, Buffer.alloc(300_000)],
  [`${DESIRED}/?$version=3`, '['.repeat(200_000)],
];

suite('what newleaf has not subscribed to reaches no SDK, is acknowledged, and the session goes on', () => {
  for (const qos of [0, 1, 2] as const) {
    test(`QoS ${qos}`, async () => {
      const dropped: string[] = [];
      await using here = await connected({ dropped: (topic) => dropped.push(topic) });
      const { far, link } = here;
      for (const [index, [topic, payload]] of DROPPED.entries()) {
        link.publish(topic, payload, qos, index + 1);
        const [status] = await call(far, link, 'leafStatus', '{}');
        assert.deepEqual([status, dropped.at(-1)], ['202', topic], `${topic.slice(0, 80)} ${payload?.length}`);
      }
      const acknowledged = { 0: 'none', 1: 'puback', 2: 'pubrec' }[qos];
      const answers = far.received.filter(({ cmd }) => cmd === acknowledged);
      assert.deepEqual(
        answers.map(({ messageId }) => messageId),
        qos === 0 ? [] : DROPPED.map((_, index) => index + 1),
      );
      assert.equal(dropped.length, DROPPED.length);
      assert.equal(far.connections, 1);
    });
  }
});

/** What a method may be called with: the answer says which field is wrong, if one is. */
const CALLS: readonly (readonly [name: string, payload: string, status: string])[] = [
  ['leafStatus', '', '202'],
  ['leafStatus', 'null', '202'],
  ['leafStatus', '{"a":', '400'],
  ['leafStatus', '\u0000', '400'],
  ['reprovision', '['.repeat(100_000), '400'],
  ['reprovision', `{"id":"${'x'.repeat(131_072)}"}`, '400'],
  ['reprovision', '{"__proto__":{"action":"roll"}}', '400'],
];

test('a method is answered whatever its payload is', async () => {
  await using here = await connected();
  const { far, link } = here;
  for (const [name, payload, status] of CALLS) {
    assert.equal((await call(far, link, name, payload))[0], status, payload.slice(0, 40));
  }
});

test('the answer to a write that is a refusal, or nonsense: it is written again, and the session goes on', async () => {
  await using here = await connected();
  const { far, hub } = here;
  const { script } = far;
  for (const [status, body] of [
    ['429', ''],
    ['400', '{"errorCode":400000,"message":"too long"}'],
    ['500', '{}'],
    ['204', '<html>'],
    ['204', '[]'],
    ['', ''],
    ['20', ''],
    ['99999999', ''],
    ['404', ''],
  ] as const) {
    far.script = {
      onPublish({ topic }, link) {
        // First that to an older write, whose answer comes late.
        link.publish(`$iothub/twin/res/204/?$rid=older`);
        link.publish(`$iothub/twin/res/${status}/?$rid=${/\$rid=([^&]*)/.exec(topic)?.[1]}`, body);
      },
    };
    assert.equal(await codeOf(hub.report({ phase: 'serving' })), 'NL-HUB-TWIN', `${status} ${body}`);
  }
  far.script = script;
  await hub.report({ phase: 'serving' });
  assert.equal(written(far).length, 10);
  assert.equal(far.connections, 1);
});

/** MQTT 3.1.1 section 4.8: a protocol violation ends the connection. Bytes that no server may send, by what they are. */
const VIOLATIONS: readonly (readonly [why: string, bytes: Buffer])[] = [
  ['a packet type that is none', Buffer.from([0x00, 0x00])],
  ['PUBLISH with QoS 3', Buffer.from([0x36, 0x05, 0x00, 0x01, 0x61, 0x00, 0x01])],
  ['a length without an end', Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ['HTTP', Buffer.from(`HTTP/1.1 400 Bad Request\r\n\r\n${'<html>'.repeat(100)}`)],
  ['SUBSCRIBE', Buffer.from([0x82, 0x06, 0x00, 0x01, 0x00, 0x01, 0x61, 0x00])],
  ['UNSUBSCRIBE', Buffer.from([0xa2, 0x05, 0x00, 0x01, 0x00, 0x01, 0x61])],
  ['PINGREQ', Buffer.from([0xc0, 0x00])],
  ['CONNECT', Buffer.from('\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a', 'latin1')],
  [
    'PUBLISH of 2 MiB',
    Buffer.concat([Buffer.from([0x30, 0x80, 0x80, 0x80, 0x01, 0x00, 0x01, 0x61]), Buffer.alloc(2 ** 21)]),
  ],
];

suite('what no MQTT server may send ends the session, and another one can be opened', () => {
  for (const [why, bytes] of VIOLATIONS) {
    test(why, async () => {
      await using here = await connected();
      const { far, hub, link } = here;
      link.socket.write(bytes);
      const { value } = await hub.signals[Symbol.asyncIterator]().next();
      assert.equal(value?.failure.code, 'NL-HUB-LOST');
      await hub.connect(leafNamed('AA'), at(far), never);
    });
  }
});

test('acknowledgements of what was never sent change nothing', async () => {
  await using here = await connected();
  const { far, link } = here;
  for (const cmd of ['puback', 'pubrec', 'pubrel', 'pubcomp', 'unsuback'] as const) link.send({ cmd, messageId: 999 });
  link.send({ cmd: 'suback', messageId: 999, granted: [128] });
  link.send({ cmd: 'pingresp' });
  assert.equal((await call(far, link, 'leafStatus', ''))[0], '202');
  assert.equal(far.connections, 1);
});
