import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, beforeEach, test } from 'node:test';
import type mqtt from 'mqtt';
import type { ClientIdentity } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { type Knock, knockHub } from './raw.ts';

const ID = 'gw-1';
const METHODS = '$iothub/methods/POST/#';
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

async function enter(options: mqtt.IClientOptions = { clean: false }): Promise<Knock> {
  const arrived = await knockHub(simulator.endpoints, simulator.endpoints.hub1, ID, leaf, options);
  assert.equal(arrived.connack, 0);
  return arrived;
}
const subscribe = (client: mqtt.MqttClient, filter: string, qos: mqtt.QoS = 1) =>
  new Promise((resolve) => client.subscribe(filter, { qos }, resolve));
async function leave(client: mqtt.MqttClient): Promise<void> {
  const since = simulator.log.entries.length;
  client.end(true);
  await simulator.log.waitFor({ event: 'disconnected', clientId: ID }, 60_000, since);
}

// iot-mqtt-connect-to-iot-hub: "If the device connects with CleanSession 0, the subscription is persisted".
test('with CleanSession 0 the subscriptions outlive the connection, and CONNACK says so', async () => {
  const first = await enter();
  assert.equal(first.present, false);
  await subscribe(first.client, METHODS);
  await leave(first.client);
  await assert.rejects(simulator.callMethod(ID, 'echo'), { errorCode: 404103 }, 'it is away');
  const { present, client } = await enter();
  assert.equal(present, true);
  const called = once(client, 'message', { signal: AbortSignal.timeout(60_000) });
  const unanswered = assert.rejects(simulator.callMethod(ID, 'echo', {}, 20), { errorCode: 504101 });
  const [topic, , { qos }] = await called;
  assert.match(topic, /^\$iothub\/methods\/POST\/echo\//);
  assert.equal(qos, 1, 'as it was granted');
  await unanswered;
  await leave(client);
});

test('what was unsubscribed stays so', async () => {
  const { client } = await enter();
  await subscribe(client, METHODS);
  await new Promise((resolve) => client.unsubscribe(METHODS, resolve));
  await leave(client);
  const back = await enter();
  await assert.rejects(simulator.callMethod(ID, 'echo'), { errorCode: 404103 });
  await leave(back.client);
});

test('CleanSession 1 ends the session of before', async () => {
  const first = await enter();
  await subscribe(first.client, METHODS);
  await leave(first.client);
  const clean = await enter({ clean: true });
  assert.equal(clean.present, false);
  await assert.rejects(simulator.callMethod(ID, 'echo'), { errorCode: 404103 });
  await leave(clean.client);
  const { present, client } = await enter();
  assert.equal(present, false);
  await leave(client);
});

test('a session ends with its identity', async () => {
  const first = await enter();
  await subscribe(first.client, METHODS);
  await simulator.forget(ID);
  await simulator.writeDevice('hub1', ID, leaf.thumbprint);
  const { present, client } = await enter();
  assert.equal(present, false);
  await leave(client);
});

test('a message waits for the device, and comes again until it is acknowledged', async () => {
  const first = await enter();
  await subscribe(first.client, MAIL);
  await leave(first.client);
  await simulator.sendToDevice(ID, 'one');
  // A client that never acknowledges; CONNACK and message may come in one read, so both are listened for from the start.
  const deaf = await enter();
  deaf.client.handleMessage = () => {};
  const told = await simulator.log.waitFor({ event: 'message', clientId: ID });
  assert.deepEqual([told.body, told.code], ['one', 1]);
  await leave(deaf.client);
  const since = simulator.log.entries.length;
  const { client } = await enter();
  const again = await simulator.log.waitFor({ event: 'message', clientId: ID }, 60_000, since);
  assert.deepEqual([again.body, again.code], ['one', 2], 'the second time');
  await simulator.log.waitFor({ event: 'message-acknowledged', clientId: ID }, 60_000, since);
  await simulator.sendToDevice(ID, 'two');
  await simulator.log.waitFor({ event: 'message', body: 'two', code: 1 }, 60_000, since);
  await leave(client);
});

test('a device has room for fifty messages', async () => {
  for (let n = 0; n < 50; n += 1) await simulator.sendToDevice(ID, String(n));
  await assert.rejects(simulator.sendToDevice(ID, '50'), /^Error: 403004 /);
});

test('desired properties are not kept for a device that is away', async () => {
  const first = await enter();
  await subscribe(first.client, '$iothub/twin/PATCH/properties/desired/#');
  await leave(first.client);
  await simulator.updateDesired(ID, { level: 1 });
  const { client } = await enter();
  const [topic, payload] = await Promise.all([
    once(client, 'message', { signal: AbortSignal.timeout(60_000) }),
    simulator.updateDesired(ID, { level: 2 }),
  ]).then(([got]) => got);
  assert.match(topic, /\$version=3$/);
  assert.deepEqual(JSON.parse(String(payload)), { level: 2, $version: 3 });
  await leave(client);
});
