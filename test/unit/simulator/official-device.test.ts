import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import common from 'azure-iot-common';
import device from 'azure-iot-device';
import type { ClientIdentity } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { openHub } from './device.ts';

let simulator: Simulator;
let leaf: ClientIdentity;
let client: device.Client;

before(async () => {
  simulator = await startSimulator();
  leaf = await simulator.clientIdentity('gw-1');
  await simulator.writeDevice('hub1', 'gw-1', leaf.thumbprint);
  client = await openHub(simulator.endpoints, simulator.endpoints.hub1, 'gw-1', leaf);
});
after(async () => {
  await client.close();
  await simulator.close();
});

test('sendEvent of azure-iot-device: body and properties arrive', async () => {
  const message = new device.Message(JSON.stringify({ degrees: 21.5 }));
  message.messageId = 'id/1';
  message.contentType = 'application/json';
  message.contentEncoding = 'utf-8';
  message.properties.add('alert&', 'ä = ö');
  await client.sendEvent(message);
  const { messages } = await simulator.telemetry('hub1', 'gw-1');
  assert.deepEqual(
    messages.map(({ body, properties }) => [body, properties]),
    [['{"degrees":21.5}', { '$.mid': 'id/1', '$.ct': 'application/json', '$.ce': 'utf-8', 'alert&': 'ä = ö' }]],
  );
});

test('a message to azure-iot-device: body and properties arrive, and are acknowledged', async () => {
  const got = once(client, 'message', { signal: AbortSignal.timeout(60_000) });
  await simulator.sendToDevice('gw-1', 'hello', {
    system: { mid: 'm1', cid: 'c1', ct: 'text/plain' },
    properties: { level: '1 & 2' },
  });
  const [message] = await got;
  assert.ok(message instanceof common.Message);
  const { messageId, correlationId, contentType, properties } = message;
  assert.deepEqual(
    [String(message.getData()), messageId, correlationId, contentType],
    ['hello', 'm1', 'c1', 'text/plain'],
  );
  assert.equal(properties.getValue('level'), '1 & 2');
  await client.complete(message);
  await simulator.log.waitFor({ event: 'message-acknowledged', body: 'hello' });
});

test('a method of azure-iot-device', async () => {
  client.onDeviceMethod('blink', (request, response) => void response.send(418, { asked: request.payload }));
  await simulator.log.waitFor({ event: 'subscribed', reason: '$iothub/methods/POST/#' });
  assert.deepEqual(await simulator.callMethod('gw-1', 'blink', { times: 3 }), {
    status: 418,
    payload: { asked: { times: 3 } },
  });
});

test('the twin of azure-iot-device: read, desired, reported, and a report that is refused', async () => {
  await simulator.updateDesired('gw-1', { interval: 5 });
  const twin = await client.getTwin();
  assert.equal(twin.properties.desired.interval, 5);
  const changed = new Promise((resolve) =>
    twin.on('properties.desired.interval', (value) => value !== 5 && resolve(value)),
  );
  await simulator.log.waitFor({ event: 'subscribed', reason: '$iothub/twin/PATCH/properties/desired/#' });
  await simulator.updateDesired('gw-1', { interval: 6 });
  assert.equal(await changed, 6);
  const report = (patch: object) =>
    new Promise<void>((resolve, reject) =>
      twin.properties.reported.update(patch, (error: Error | undefined) => (error ? reject(error) : resolve())),
    );
  await report({ interval: 6 });
  assert.deepEqual((await simulator.twin('gw-1')).reported, { interval: 6 });
  await assert.rejects(report({ 'a.b': 1 }));
  await assert.rejects(report(Object.fromEntries([...'0123456789'].map((name) => [name, 'x'.repeat(4_000)]))));
  assert.deepEqual((await simulator.twin('gw-1')).reported, { interval: 6 });
});
