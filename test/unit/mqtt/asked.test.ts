import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import { FarSide } from './far-side.ts';
import { connected, OPTIONS, server, tapTo } from './tapped.ts';

const isLost = (error: unknown) => error instanceof Fault && error.failure.code === 'NL-HUB-LOST';
const message = (qos: 0 | 1, payload = 'x') => ({ topic: 'a/b', payload: Buffer.from(payload), qos });

test('before CONNACK 0, and after the end: NL-HUB-LOST', async () => {
  await using far = await FarSide.start(server, { connack: 5 });
  const tap = tapTo(far.host);
  const { asked } = tap;
  await assert.rejects(asked.publish(message(1)), isLost);
  const client = tap.connect('', OPTIONS);
  client.on('error', () => client.end(true));
  await tap.closed;
  await assert.rejects(asked.publish(message(1)), isLost);
  await assert.rejects(asked.subscribe('a', 0), isLost);
  await assert.rejects(asked.unsubscribe('a'), isLost);
});

test('QoS 1 is fulfilled by the PUBACK, and the message arrives byte for byte', async () => {
  await using here = await connected();
  await here.tap.asked.publish({
    topic: 'devices/d/messages/events/a&b=&c=%24',
    payload: Buffer.of(0, 255, 10),
    qos: 1,
  });
  const packet = here.far.received.find(({ cmd }) => cmd === 'publish');
  assert(packet?.cmd === 'publish');
  assert.equal(packet.topic, 'devices/d/messages/events/a&b=&c=%24');
  assert.deepEqual(packet.payload, Buffer.of(0, 255, 10));
  assert.equal(packet.qos, 1);
});

test('the connection goes before the PUBACK, the SUBACK, the UNSUBACK: NL-HUB-LOST, and no promise is left open', async () => {
  await using here = await connected({ mute: ['publish', 'subscribe', 'unsubscribe'] });
  const { asked } = here.tap;
  const waiting = [
    asked.publish(message(1)),
    asked.publish(message(1)),
    asked.subscribe('a', 1),
    asked.unsubscribe('a'),
  ];
  const rejected = Promise.all(waiting.map((one) => assert.rejects(one, isLost)));
  await here.far.until(() => here.far.received.length === 5);
  here.far.links[0]?.socket.destroy();
  await rejected;
});

test('the tap is ended by its owner: the same, at once', async () => {
  await using here = await connected({ mute: ['publish'] });
  const waiting = here.tap.asked.publish(message(1));
  here.tap.end();
  await assert.rejects(waiting, isLost);
  await assert.rejects(here.tap.asked.publish(message(0)), isLost);
});

test('QoS 0 is fulfilled when it is written: without an answer', async () => {
  await using here = await connected({ mute: ['publish'] });
  await here.tap.asked.publish(message(0));
});

test('a filter that the server refuses is an error; one that it grants is not', async () => {
  await using here = await connected({ mute: ['subscribe'] });
  const answered = (granted: number) =>
    here.far
      .until(() => here.far.received.at(-1)?.cmd === 'subscribe')
      .then(() => {
        const messageId = here.far.received.at(-1)?.messageId ?? 0;
        here.far.links[0]?.send({ cmd: 'suback', messageId, granted: [granted] });
      });
  const refused = here.tap.asked.subscribe('a', 1);
  await Promise.all([assert.rejects(refused, /refuses a subscription to a/), answered(128)]);
  await here.tap.asked.unsubscribe('a');
  const granted = here.tap.asked.subscribe('b', 1);
  await Promise.all([granted, answered(1)]);
});
