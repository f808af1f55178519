import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { afterEach, test } from 'node:test';
import { register } from '../../clients/device.ts';
import { askDps, dpsUsername, enterDps, knock, knockDps, pollTopic, putTopic } from '../../clients/raw.ts';
import type { Identity } from '../../simulator/ca.ts';
import type { Switches } from '../../simulator/switches.ts';
import { staged } from './stage.ts';

const DAY_MS = 86_400_000;
const BODY = '{"registrationId":"gw-1"}';

const { simulator } = await staged({ now: () => Date.now() - DAY_MS });
await simulator.enrollGroup({ groupId: 'gateways', primary: simulator.endpoints.issuerPem });
const leaf = await simulator.clientIdentity('gw-1', { backdateMs: 2 * DAY_MS });
const old = await simulator.clientIdentity('gw-1', { backdateMs: 3 * DAY_MS, lifetimeMs: -2 * DAY_MS });
const stranger = await simulator.bootstrapIdentity('gw-1');
afterEach(() => simulator.setStatus('gateways', 'enabled'));

interface Comer {
  readonly identity?: () => Partial<Identity>;
  readonly clientId?: string;
  readonly id?: string;
  readonly idScope?: string;
  readonly version?: string;
  readonly set?: Partial<Switches>;
}

const connacks: readonly (readonly [what: string, Comer, code: number | undefined])[] = [
  ['its leaf', {}, 0],
  ['a leaf that is not enrolled', { identity: () => stranger }, 0],
  ['an expired leaf', { identity: () => old }, 0],
  ['an expired leaf, where DPS closes', { identity: () => old, set: { expiredLeafAtDps: 'close' } }, undefined],
  ['a wrong ID scope', { idScope: '0neFFFFFFFF' }, 3],
  ['a CN that is not the registration ID', { clientId: 'gw-2', id: 'gw-2' }, 5],
  ['a client ID that is not the registration ID of the username', { id: 'gw-2' }, 5],
  ['no certificate', { identity: () => ({}) }, 5],
  ['the preview of certificates', { version: '2025-07-01-preview' }, 0],
  ['the contract of 2026', { version: '2026-11-02-preview' }, 0],
  ['a version that does not exist', { version: '2019-03-32' }, 5],
  ['the contract, where DPS knows the preview', { version: '2026-11-01', set: { dpsVersions: 'preview' } }, 5],
  ['the preview, where DPS knows no later one', { version: '2025-07-01-preview', set: { dpsVersions: 'classic' } }, 5],
  ['whatever version, where DPS takes all', { version: 'tomorrow', set: { dpsVersions: 'any' } }, 0],
];
for (const [what, { identity = () => leaf, clientId = 'gw-1', id = 'gw-1', set, version, ...more }, code] of connacks) {
  test(`CONNECT with ${what}: CONNACK ${code}`, async () => {
    const { dps, trustPem, idScope } = simulator.endpoints;
    await simulator.set(set ?? {});
    const username = dpsUsername({ ...simulator.endpoints, idScope, ...more }, id, version);
    const { connack, client } = await knock(dps, trustPem, identity(), { clientId, username });
    client.end(true);
    assert.equal(connack, code);
  });
}

/** By name and code, as the official SDK tells them. */
const refusals: readonly (readonly [what: string, Switches['refusalShape'], name: string])[] = [
  ['a leaf of a CA that is not enrolled is refused with 401002', 'res-401', 'UnauthorizedError'],
  ['such a leaf is refused by an operation', 'failed', 'ProvisioningRegistrationFailedError'],
  ['an expired leaf is refused with 401002', 'res-401', 'UnauthorizedError'],
];
for (const [what, refusalShape, name] of refusals) {
  test(what, async () => {
    await simulator.set({ refusalShape });
    await assert.rejects(register(simulator.endpoints, 'gw-1', what.includes('expired') ? old : stranger), { name });
    const { code } = simulator.log.matching({ event: 'refused' }).at(-1) ?? {};
    assert.equal(code, 401002);
  });
}

/** Asks for the state of the registration over HTTPS. */
async function lookUp({ key, cert }: Partial<Identity>, scope = simulator.endpoints.idScope, body = BODY) {
  const { dps, trustPem: ca } = simulator.endpoints;
  const url = `https://${dps}/${scope}/registrations/gw-1?api-version=2019-03-31`;
  const asked = request(url, { method: 'POST', agent: false, ca, ...(key && { key }), ...(cert && { cert }) });
  asked.end(body);
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  assert.ok(Math.abs(Date.parse(response.headers.date ?? '') - (Date.now() - DAY_MS)) < 60_000);
  const { status, errorCode, assignedHub } = JSON.parse(await text(response));
  return [response.statusCode, status ?? errorCode, assignedHub];
}

test('a look over HTTPS registers nothing, and is for who may register', async () => {
  const before = simulator.log.registrations();
  assert.deepEqual(await lookUp(leaf), [404, 404201, undefined]);
  assert.equal(simulator.log.registrations(), before);
  await register(simulator.endpoints, 'gw-1', leaf);
  assert.deepEqual(await lookUp(leaf), [200, 'assigned', simulator.endpoints.hub1]);
  for (const refused of [lookUp(stranger), lookUp({}), lookUp(leaf, '0ne0000BEEF')]) {
    assert.deepEqual(await refused, [401, 401002, undefined]);
  }
  assert.deepEqual(await lookUp(leaf, undefined, '{"csr":"AAAA"}'), [400, 400004, undefined]);
});

// Measured by Microsoft (azure-iot-cli-extension, test_dps_device_registration_disabled_enrollment).
for (const [disabledShape, topic, body, looked] of [
  ['disabled', '200/?$rid=1', /"status":"disabled"/, [200, 'disabled']],
  ['res-401', '401/?$rid=1', /"errorCode":401002/, [401, 401002]],
  ['failed', '202/?$rid=1&retry-after=0', /"assigning"/, [200, 'failed']],
] as const) {
  test(`a disabled enrollment refuses in the shape ${disabledShape}`, async () => {
    await simulator.set({ disabledShape });
    await simulator.setStatus('gateways', 'disabled');
    const client = await enterDps(simulator.endpoints, 'gw-1', leaf);
    const answer = await askDps(client, putTopic(), BODY);
    client.end(true);
    assert.ok(answer !== 'closed');
    assert.equal(answer.topic, topic);
    assert.match(answer.body, body);
    assert.deepEqual((await lookUp(leaf)).slice(0, 2), looked);
  });
}

test('the wire: 202 with operation and retry-after, then 200; other operations and bodies are refused as by a real one', async () => {
  await simulator.set({ retryAfter: '3' });
  const client = await enterDps(simulator.endpoints, 'gw-1', leaf);
  const said = async (topic: string, body: string) => {
    const answer = await askDps(client, topic, body);
    assert.ok(answer !== 'closed');
    return { topic: answer.topic, body: JSON.parse(answer.body) };
  };
  const accepted = await said(putTopic(), BODY);
  assert.deepEqual([accepted.topic, accepted.body.status], ['202/?$rid=1&retry-after=3', 'assigning']);
  const done = await said(pollTopic(accepted.body.operationId), ' ');
  assert.deepEqual([done.topic, done.body.registrationState.x509], ['200/?$rid=2', {}]);
  assert.match((await said(pollTopic('5.nobody'), ' ')).topic, /^404/);
  const { topic, body } = await said(putTopic(), '{"registrationId":"another"}');
  assert.deepEqual(Object.keys(body), ['errorCode', 'trackingId', 'message', 'timestampUtc']);
  assert.deepEqual([topic, body.errorCode], ['400/?$rid=1', 400004]);
  await simulator.set({ answerAtOnce: true });
  assert.match((await said(putTopic(), BODY)).topic, /^200/);
  client.end(true);
});

test('one registration of a device at a time: 409203; a second connection may end the first', async () => {
  await simulator.set({ secondDpsConnect: 'keep-both' });
  await simulator.lay('dps', 'slow-assignment', { ms: 60_000, times: 1 });
  const first = await enterDps(simulator.endpoints, 'gw-1', leaf);
  await askDps(first, putTopic(), BODY);
  const second = await enterDps(simulator.endpoints, 'gw-1', leaf);
  const answer = await askDps(second, putTopic(), BODY);
  assert.ok(answer !== 'closed' && first.connected);
  assert.match(answer.body, /"errorCode":409203/);
  await simulator.set({ secondDpsConnect: 'drop-old' });
  const ended = once(second, 'close');
  const third = await knockDps(simulator.endpoints, 'gw-1', leaf);
  await ended;
  third.client.end(true);
  first.end(true);
});
