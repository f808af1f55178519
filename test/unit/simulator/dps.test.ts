import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ClientIdentity, Identity } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { DEFAULT_SWITCHES, type Switches } from '../../simulator/switches.ts';
import { register } from './device.ts';
import { askDps, dpsUsername, enterDps, knock, knockDps, pollTopic, putTopic } from './raw.ts';

let simulator: Simulator;
let leaf: ClientIdentity;

before(async () => {
  simulator = await startSimulator();
  await simulator.enrollGroup({ groupId: 'gateways', primary: simulator.endpoints.issuerPem });
  leaf = await simulator.clientIdentity('gw-1');
});
after(() => simulator.close());

async function refusal(registrationId: string, identity: Identity): Promise<{ name: string; code: unknown }> {
  const error = await register(simulator.endpoints, registrationId, identity).then(
    () => assert.fail('it registered'),
    (thrown) => thrown,
  );
  return {
    name: error.name,
    code: error.code ?? error.result?.errorCode ?? error.result?.registrationState?.errorCode,
  };
}

test('a leaf of a CA that is not enrolled is refused with 401002', async () => {
  const stranger = await simulator.bootstrapIdentity('gw-1');
  assert.deepEqual(await refusal('gw-1', stranger), { name: 'UnauthorizedError', code: 401002 });
  const entry = await simulator.log.waitFor({ event: 'refused', code: 401002 });
  assert.equal(entry.reason, 'CA certificate not found.');
});

test('an expired leaf is refused with 401002', async () => {
  const old = await simulator.clientIdentity('gw-1', { lifetimeMs: -60_000 });
  assert.deepEqual(await refusal('gw-1', old), { name: 'UnauthorizedError', code: 401002 });
});

test('a wrong id scope is CONNACK 3', async () => {
  const { endpoints } = simulator;
  const error = await register({ ...endpoints, idScope: '0neFFFFFFFF' }, 'gw-1', leaf).catch((thrown) => thrown);
  assert.equal(error.code, 3);
});

for (const [what, clientId, id] of [
  ['a CN that is not the registration ID', 'gw-2', 'gw-2'],
  ['a client ID that is not the registration ID of the username', 'gw-1', 'gw-2'],
] as const) {
  test(`${what} is CONNACK 5`, async () => {
    const { dps, trustPem } = simulator.endpoints;
    const username = dpsUsername(simulator.endpoints, id);
    const { connack } = await knock(dps, trustPem, leaf, { clientId, username });
    assert.equal(connack, 5);
  });
}

test('no client certificate is CONNACK 5', async () => {
  const { dps, trustPem } = simulator.endpoints;
  const username = dpsUsername(simulator.endpoints, 'gw-1');
  assert.equal((await knock(dps, trustPem, {}, { clientId: 'gw-1', username })).connack, 5);
});

for (const [shape, name] of [
  ['res-401', 'UnauthorizedError'],
  ['failed', 'ProvisioningRegistrationFailedError'],
  ['disabled', 'SyntaxError'],
] as const) {
  test(`a disabled group refuses in the shape ${shape}`, async () => {
    await simulator.set({ disabledShape: shape });
    await simulator.setStatus('gateways', 'disabled');
    const got = await refusal('gw-1', leaf);
    await simulator.setStatus('gateways', 'enabled');
    await simulator.set({ disabledShape: DEFAULT_SWITCHES.disabledShape });
    assert.deepEqual(got, { name, code: shape === 'disabled' ? undefined : 401002 });
  });
}

// Measured by Microsoft (azure-iot-cli-extension, test_dps_device_registration_disabled_enrollment).
test('a disabled enrollment is told at once, without an operation, and a record of it is kept', async () => {
  await register(simulator.endpoints, 'gw-1', leaf);
  await simulator.setStatus('gateways', 'disabled');
  const client = await enterDps(simulator.endpoints, 'gw-1', leaf);
  const answer = await askDps(client, putTopic(), '{"registrationId":"gw-1"}');
  client.end(true);
  await simulator.setStatus('gateways', 'enabled');
  assert.ok(answer !== 'closed');
  assert.equal(answer.topic, '200/?$rid=1');
  const { operationId, status, registrationState } = JSON.parse(answer.body);
  assert.deepEqual([operationId, status], ['', 'disabled']);
  assert.deepEqual(Object.keys(registrationState), ['registrationId', 'status', 'lastUpdatedDateTimeUtc', 'etag']);
  assert.equal(registrationState.status, 'disabled');
  assert.equal(simulator.enrollments.registrations.get('gw-1')?.status, 'disabled');
});

test('no linked hub: "failed" with 401001, as Microsoft measured it', async () => {
  await simulator.lay('dps', 'allocation-failed', { times: 1 });
  const got = await refusal('gw-1', leaf);
  assert.deepEqual(got, { name: 'ProvisioningRegistrationFailedError', code: 401001 });
  await simulator.log.waitFor({ event: 'refused', code: 401001, reason: 'IoTHub not found.' });
});

test('answers come with the QoS that was granted', async () => {
  const client = await enterDps(simulator.endpoints, 'gw-1', leaf);
  const seen = new Promise<number>((resolve) => client.once('message', (_topic, _payload, { qos }) => resolve(qos)));
  await askDps(client, putTopic(), '{"registrationId":"gw-1"}');
  client.end(true);
  assert.equal(await seen, 1);
});

test('the refusal of a stranger can come as "failed", too', async () => {
  await simulator.set({ refusalShape: 'failed' });
  const got = await refusal('gw-1', await simulator.bootstrapIdentity('gw-1'));
  await simulator.set({ refusalShape: 'res-401' });
  assert.deepEqual(got, { name: 'ProvisioningRegistrationFailedError', code: 401002 });
});

test('the wire: 202 with operation and retry-after, then 200; an unknown operation is 404', async () => {
  await simulator.set({ retryAfter: '3' });
  const client = await enterDps(simulator.endpoints, 'gw-1', leaf);
  const accepted = await askDps(client, putTopic(), '{"registrationId":"gw-1"}');
  assert.ok(accepted !== 'closed');
  assert.equal(accepted.topic, '202/?$rid=1&retry-after=3');
  const { operationId, status } = JSON.parse(accepted.body);
  assert.equal(status, 'assigning');
  const done = await askDps(client, pollTopic(operationId), ' ');
  assert.ok(done !== 'closed');
  assert.equal(done.topic, '200/?$rid=2');
  const { registrationState } = JSON.parse(done.body);
  assert.deepEqual(registrationState.x509, {});
  assert.equal(registrationState.assignedHub, simulator.endpoints.hub1);
  const lost = await askDps(client, pollTopic('5.nobody'), ' ');
  assert.ok(lost !== 'closed');
  assert.match(lost.topic, /^404/);
  await simulator.set({ retryAfter: DEFAULT_SWITCHES.retryAfter });
  client.end(true);
});

test('an error has the body of a real one', async () => {
  const client = await enterDps(simulator.endpoints, 'gw-1', leaf);
  const answer = await askDps(client, putTopic(), '{"registrationId":"another"}');
  assert.ok(answer !== 'closed');
  const body = JSON.parse(answer.body);
  assert.deepEqual(Object.keys(body), ['errorCode', 'trackingId', 'message', 'timestampUtc']);
  assert.equal(body.errorCode, 400004);
  client.end(true);
});

test('answerAtOnce gives 200 to the request itself', async () => {
  await simulator.set({ answerAtOnce: true });
  const client = await enterDps(simulator.endpoints, 'gw-1', leaf);
  const answer = await askDps(client, putTopic(), '{"registrationId":"gw-1"}');
  await simulator.set({ answerAtOnce: false });
  assert.ok(answer !== 'closed');
  assert.match(answer.topic, /^200/);
  client.end(true);
});

test('a second registration while the first is being assigned is 409203', async () => {
  await simulator.set({ secondDpsConnect: 'keep-both' });
  await simulator.lay('dps', 'slow-assignment', { ms: 60_000, times: 1 });
  const first = await enterDps(simulator.endpoints, 'gw-1', leaf);
  await askDps(first, putTopic(), '{"registrationId":"gw-1"}');
  const second = await enterDps(simulator.endpoints, 'gw-1', leaf);
  const answer = await askDps(second, putTopic(), '{"registrationId":"gw-1"}');
  assert.ok(answer !== 'closed');
  assert.match(answer.topic, /^409/);
  assert.equal(JSON.parse(answer.body).errorCode, 409203);
  first.end(true);
  second.end(true);
});

const connects: readonly [string, Partial<Switches>, boolean][] = [
  ['drops the first connection', { secondDpsConnect: 'drop-old' }, true],
  ['leaves the first connection', { secondDpsConnect: 'keep-both' }, false],
];
for (const [what, switches, dropped] of connects) {
  test(`a second connection with the same registration ID ${what}`, async () => {
    await simulator.set(switches);
    const since = simulator.log.entries.length;
    const first = await knockDps(simulator.endpoints, 'gw-1', leaf);
    const second = await knockDps(simulator.endpoints, 'gw-1', leaf);
    await simulator.log.waitFor(({ event, seq }) => event === 'connack' && seq > since);
    const ends = simulator.log.since(since).filter(({ reason }) => reason === 'newer connection');
    assert.equal(ends.length, dropped ? 1 : 0);
    first.client.end(true);
    second.client.end(true);
  });
}

test('an expired leaf can be closed on before CONNACK, too', async () => {
  await simulator.set({ expiredLeafAtDps: 'close' });
  const old = await simulator.clientIdentity('gw-1', { lifetimeMs: -60_000 });
  const { connack } = await knockDps(simulator.endpoints, 'gw-1', old);
  await simulator.set({ expiredLeafAtDps: 'res-401' });
  assert.equal(connack, undefined);
});
