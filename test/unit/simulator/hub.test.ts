import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { after, before, beforeEach, test } from 'node:test';
import { connect } from 'node:tls';
import { generate } from 'mqtt-packet';
import type { ClientIdentity, Identity } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { openHub } from './device.ts';
import { hubUsername, type Knock, knock, knockHub } from './raw.ts';

let simulator: Simulator;
let leaf: ClientIdentity;
let host: string;

before(async () => {
  simulator = await startSimulator();
  leaf = await simulator.clientIdentity('gw-1');
  host = simulator.endpoints.hub1;
});
after(() => simulator.close());

beforeEach(async () => {
  await simulator.writeDevice('hub1', 'gw-1', leaf.thumbprint);
  await simulator.setDeviceStatus('gw-1', 'enabled');
});

async function enter(identity: Identity = leaf): Promise<Knock> {
  const arrived = await knockHub(simulator.endpoints, host, 'gw-1', identity);
  assert.equal(arrived.connack, 0);
  return arrived;
}

test('a foreign thumbprint is CONNACK 5, which the SDK calls UnauthorizedError', async () => {
  const other = await simulator.clientIdentity('gw-1');
  await assert.rejects(openHub(simulator.endpoints, host, 'gw-1', other), { name: 'UnauthorizedError' });
  const entry = await simulator.log.waitFor({ server: 'hub1', event: 'connack', code: 5 });
  assert.equal(entry.reason, 'thumbprint does not match');
  assert.equal(entry.thumbprint, other.thumbprint);
});

test('the chain does not matter to the hub: a leaf of an unknown CA passes with its thumbprint', async () => {
  const stranger = await simulator.bootstrapIdentity('gw-1');
  await simulator.writeDevice('hub1', 'gw-1', leaf.thumbprint, stranger.thumbprint);
  (await enter(stranger)).client.end(true);
});

for (const [what, change, code] of [
  ['deleted', () => simulator.forget('gw-1'), 5],
  ['disabled', () => simulator.setDeviceStatus('gw-1', 'disabled'), 5],
] as const) {
  test(`${what} while connected: the session ends, then CONNACK ${code}`, async () => {
    const { client } = await enter();
    const closed = once(client, 'close');
    await change();
    await closed;
    assert.equal((await knockHub(simulator.endpoints, host, 'gw-1', leaf)).connack, code);
    await simulator.log.waitFor({ event: 'disconnected', reason: `device ${what === 'deleted' ? 'removed' : what}` });
  });
}

test('a disabled identity can be CONNACK 3, as it was in 2017', async () => {
  await simulator.setDeviceStatus('gw-1', 'disabled');
  await simulator.set({ disabledConnack: 3 });
  const { connack } = await knockHub(simulator.endpoints, host, 'gw-1', leaf);
  await simulator.set({ disabledConnack: 5 });
  assert.equal(connack, 3);
});

test('an expired leaf is closed on before CONNACK', async () => {
  const old = await simulator.clientIdentity('gw-1', { lifetimeMs: -60_000 });
  await simulator.writeDevice('hub1', 'gw-1', old.thumbprint);
  const { connack, error } = await knockHub(simulator.endpoints, host, 'gw-1', old);
  assert.equal(connack, undefined);
  assert.equal(error, undefined);
});

test('a client ID that is not in the username is CONNACK 5', async () => {
  const options = { clientId: 'gw-1', username: hubUsername(host, 'gw-2') };
  assert.equal((await knock(host, simulator.endpoints.trustPem, leaf, options)).connack, 5);
});

test('a username that names another hub is CONNACK 5', async () => {
  const options = { clientId: 'gw-1', username: hubUsername(simulator.endpoints.hub2, 'gw-1') };
  assert.equal((await knock(host, simulator.endpoints.trustPem, leaf, options)).connack, 5);
  await simulator.log.waitFor({ event: 'connack', code: 5, reason: 'the username names another hub' });
});

test('a thumbprint may be SHA-1: 40 hex digits, as `openssl x509 -fingerprint` prints them', async () => {
  const sha1 = new X509Certificate(leaf.cert).fingerprint.replaceAll(':', '');
  await simulator.writeDevice('hub1', 'gw-1', sha1);
  (await enter()).client.end(true);
});

test('a reported property that is a list at the top is refused with 400', async () => {
  const { client } = await enter();
  await new Promise((resolve) => client.subscribe('$iothub/twin/res/#', resolve));
  const answered = once(client, 'message', { signal: AbortSignal.timeout(60_000) });
  client.publish('$iothub/twin/PATCH/properties/reported/?$rid=1', '[1,2]');
  const [topic] = await answered;
  client.end(true);
  assert.equal(topic, '$iothub/twin/res/400/?$rid=1');
  assert.deepEqual((await simulator.twin('gw-1')).reported, {});
});

// iot-hub-devguide-direct-methods: "a valid JSON or an empty body".
for (const [what, payload, body] of [
  ['no payload', undefined, ''],
  ['null', null, 'null'],
  ['a payload', { n: 1 }, '{"n":1}'],
] as const) {
  test(`a method with ${what} reaches the device as "${body}"`, async () => {
    const { client } = await enter();
    await new Promise((resolve) => client.subscribe('$iothub/methods/POST/#', resolve));
    const called = once(client, 'message', { signal: AbortSignal.timeout(60_000) });
    const gone = assert.rejects(simulator.callMethod('gw-1', 'echo', payload), { errorCode: 404103 });
    const [, sent] = await called;
    client.end(true);
    await gone;
    assert.equal(String(sent), body);
  });
}

test('the newest connection wins, and the old one is dropped', async () => {
  const first = await enter();
  const dropped = once(first.client, 'close');
  const second = await enter();
  await dropped;
  assert.ok(second.client.connected);
  second.client.end(true);
});

test('a refused connection leaves the open session alone', async () => {
  const { client } = await enter();
  const other = await simulator.clientIdentity('gw-1');
  assert.equal((await knockHub(simulator.endpoints, host, 'gw-1', other)).connack, 5);
  assert.ok(client.connected);
  client.end(true);
});

test('a PUBLISH of QoS 2 ends the connection', async () => {
  const { client } = await enter();
  const closed = once(client, 'close');
  client.publish('devices/gw-1/messages/events/', 'x', { qos: 2 });
  await closed;
  await simulator.log.waitFor({ event: 'disconnected', reason: 'PUBLISH of QoS 2' });
});

test('telemetry of QoS 1 is acknowledged and logged', async () => {
  const { client } = await enter();
  await new Promise<void>((resolve, reject) => {
    client.publish('devices/gw-1/messages/events/', 'hello', { qos: 1 }, (error) =>
      error ? reject(error) : resolve(),
    );
  });
  assert.equal((await simulator.log.waitFor({ event: 'telemetry' })).body, 'hello');
  client.end(true);
});

test('silence for 1.5 times the keepalive ends the connection', async () => {
  const socket = connect({
    port: Number(host.split(':')[1]),
    host: 'localhost',
    ca: simulator.endpoints.trustPem,
    ...leaf,
  });
  const begun = Date.now();
  const username = hubUsername(host, 'gw-1');
  socket.write(
    generate({ cmd: 'connect', clientId: 'gw-1', username, keepalive: 1, protocolId: 'MQTT', protocolVersion: 4 }),
  );
  socket.resume();
  await once(socket, 'close');
  assert.ok(Date.now() - begun >= 1_500);
  await simulator.log.waitFor({ event: 'disconnected', reason: 'keepalive' });
});

test('a method of a device that is not there is 404103, one without an answer 504101', async () => {
  await assert.rejects(simulator.callMethod('gw-1', 'reprovision', {}), { errorCode: 404103 });
  const { client } = await enter();
  await assert.rejects(simulator.callMethod('gw-1', 'reprovision', {}), { errorCode: 404103 });
  await new Promise((resolve) => client.subscribe('$iothub/methods/POST/#', resolve));
  await assert.rejects(simulator.callMethod('gw-1', 'reprovision', {}, 20), { errorCode: 504101 });
  const lost = assert.rejects(simulator.callMethod('gw-1', 'reprovision', {}), { errorCode: 404103 });
  client.end(true);
  await lost;
});

test('a session can be made to end with its leaf', async () => {
  await simulator.set({ sessionsEndAtNotAfter: true });
  const short = await simulator.clientIdentity('gw-1', { lifetimeMs: 1_500 });
  await simulator.writeDevice('hub1', 'gw-1', short.thumbprint);
  const { client } = await enter(short);
  await once(client, 'close');
  await simulator.set({ sessionsEndAtNotAfter: false });
  await simulator.log.waitFor({ event: 'disconnected', reason: 'leaf expired' });
});
