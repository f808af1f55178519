import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import type { MqttClient } from 'mqtt';
import type { ClientIdentity } from '../../simulator/ca.ts';
import type { FaultName, FaultOptions } from '../../simulator/faults.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { register } from './device.ts';
import { askDps, type DpsAnswer, enterDps, pollTopic, putTopic } from './raw.ts';

const BODY = '{"registrationId":"gw-1"}';

let simulator: Simulator;
let leaf: ClientIdentity;
let client: MqttClient;

before(async () => {
  simulator = await startSimulator();
  leaf = await simulator.clientIdentity('gw-1');
  await simulator.enrollGroup({ groupId: 'gateways', primary: simulator.endpoints.issuerPem });
});
after(() => simulator.close());

beforeEach(async () => {
  client = await enterDps(simulator.endpoints, 'gw-1', leaf);
});

const put = (): Promise<DpsAnswer | 'closed'> => askDps(client, putTopic(), BODY);

async function open(): Promise<string> {
  const accepted = await put();
  assert.ok(accepted !== 'closed');
  return JSON.parse(accepted.body).operationId;
}

const answers: readonly [FaultName, FaultOptions, string, RegExp][] = [
  ['register-status', { status: 429, retryAfter: '7' }, '429/?$rid=1&retry-after=7', /"errorCode":429001/],
  ['register-status', { status: 500 }, '500/?$rid=1', /"errorCode":500001/],
  ['register-status', { status: 503, code: 503002, message: 'Later.' }, '503/?$rid=1', /503002.*Later\./],
  ['empty-body', {}, '200/?$rid=1', /^$/],
  ['not-json', {}, '200/?$rid=1', /^<html>/],
  ['no-status', {}, '200/?$rid=1', /^{"operationId":"[^"]+"}$/],
  ['cut-body', { bytes: 5 }, '202/?$rid=1&retry-after=0', /^{"ope$/],
  ['retry-after', { retryAfter: 'soon' }, '202/?$rid=1&retry-after=soon', /assigning/],
  ['retry-after', {}, '202/?$rid=1', /assigning/],
];
for (const [name, options, topic, body] of answers) {
  test(`${name} ${JSON.stringify(options)}, once`, async () => {
    await simulator.lay('dps', name, { ...options, times: 1 });
    const answer = await put();
    assert.ok(answer !== 'closed');
    assert.equal(answer.topic, topic);
    assert.match(answer.body, body);
    assert.equal((await register(simulator.endpoints, 'gw-1', leaf)).deviceId, 'gw-1');
  });
}

test('register-quota answers 429 to what is beyond it, until its window is over', async () => {
  await simulator.lay('dps', 'register-quota', { rate: 1, retryAfter: '3' });
  await open();
  const answer = await put();
  await simulator.lift('dps', 'register-quota');
  assert.ok(answer !== 'closed');
  assert.equal(answer.topic, '429/?$rid=1&retry-after=3');
  await open();
});

test('poll-status answers the poll, and the operation is still there after it', async () => {
  const operationId = await open();
  await simulator.lay('dps', 'poll-status', { status: 503, times: 1 });
  const busy = await askDps(client, pollTopic(operationId), ' ');
  const done = await askDps(client, pollTopic(operationId), ' ');
  assert.ok(busy !== 'closed' && done !== 'closed');
  assert.match(busy.topic, /^503/);
  assert.match(done.body, /"status":"assigned"/);
});

for (const [name, effect] of [
  ['drop-before', 0],
  ['drop-after', 1],
] as const) {
  test(`${name} closes, and the registration took ${effect ? 'effect' : 'no effect'}`, async () => {
    const since = simulator.log.entries.length;
    await simulator.lay('dps', name, { times: 1 });
    assert.equal(await put(), 'closed');
    const assigned = simulator.log.since(since).filter(({ event }) => event === 'assigned');
    assert.equal(assigned.length, effect);
  });
}

test('drop-on-poll closes when the operation is polled', async () => {
  const operationId = await open();
  await simulator.lay('dps', 'drop-on-poll', { times: 1 });
  assert.equal(await askDps(client, pollTopic(operationId), ' '), 'closed');
});

test('no-answer leaves the request without an answer', async () => {
  await simulator.lay('dps', 'no-answer', { times: 1 });
  const lost = askDps(client, putTopic('lost'), BODY);
  await simulator.log.waitFor({ event: 'fault', reason: 'no-answer' });
  client.publish(`$dps/registrations/${putTopic('heard')}`, BODY, { qos: 1 });
  const first = await lost;
  assert.ok(first !== 'closed');
  assert.match(first.topic, /rid=heard/);
});

test('slow-assignment stays "assigning" until its time is over', async () => {
  const since = simulator.log.entries.length;
  await simulator.lay('dps', 'slow-assignment', { ms: 80, times: 1 });
  const operationId = await open();
  const early = await askDps(client, pollTopic(operationId), ' ');
  await simulator.log.waitFor({ event: 'assigned' }, 60_000, since);
  const late = await askDps(client, pollTopic(operationId), ' ');
  assert.ok(early !== 'closed' && late !== 'closed');
  assert.match(early.topic, /^202/);
  assert.match(late.topic, /^200/);
});

test('allocation-failed ends "failed" with the code, and writes nothing to a hub', async () => {
  const since = simulator.log.entries.length;
  await simulator.lay('dps', 'allocation-failed', { code: 400209, message: 'UNAUTH', times: 1 });
  const failed = await register(simulator.endpoints, 'gw-1', leaf).catch((error) => error);
  assert.equal(failed.name, 'ProvisioningRegistrationFailedError');
  assert.equal(failed.result.registrationState.errorCode, 400209);
  assert.equal(simulator.log.since(since).filter(({ event }) => event === 'registry').length, 0);
});

test('a lost UNSUBACK hangs the SDK after the answer has come', async () => {
  await simulator.lay('dps', 'no-unsuback', { times: 1 });
  const since = simulator.log.entries.length;
  let settled = false;
  void register(simulator.endpoints, 'gw-1', leaf).finally(() => {
    settled = true;
  });
  const { connection } = await simulator.log.waitFor({ event: 'fault', reason: 'no-unsuback' }, 60_000, since);
  assert.equal(simulator.log.since(since).filter(({ event }) => event === 'assigned').length, 1);
  assert.equal(simulator.log.count({ event: 'disconnected', ...(connection && { connection }) }), 0);
  assert.equal(settled, false);
});
