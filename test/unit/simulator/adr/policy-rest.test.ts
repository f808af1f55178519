import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { json } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import common from 'azure-iot-common';
import { type Simulator, startSimulator } from '../../../simulator/simulator.ts';
import { prepare } from './device.ts';

const CONTRACT = '2026-11-01';
const PREVIEW = '2025-07-01-preview';
const CLASSIC = '2021-10-01';
const THREE = { namespaceName: 'newleaf', certificateAuthorityName: 'ica-1', certificatePolicyName: 'monthly' };

let simulator: Simulator;

before(async () => {
  simulator = await startSimulator();
  await prepare(simulator);
});
after(() => simulator.close());

interface Answer {
  readonly status: number | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

async function rest(far: Simulator, method: string, path: string, version: string, body?: object): Promise<Answer> {
  const {
    HostName = '',
    SharedAccessKeyName = '',
    SharedAccessKey = '',
  } = Object.fromEntries(far.endpoints.dpsService.split(';').map((part) => part.split(/=(.*)/).slice(0, 2)));
  const ends = Math.trunc(Date.now() / 1_000) + 60;
  const authorization = common.SharedAccessSignature.create(
    HostName,
    SharedAccessKeyName,
    SharedAccessKey,
    ends,
  ).toString();
  const headers = { authorization, ...(method === 'PUT' && { 'if-match': '*' }) };
  const url = `https://${HostName}/${path}?api-version=${version}`;
  const sent = request(url, { method, headers, ca: far.endpoints.trustPem, agent: false });
  sent.end(body && JSON.stringify(body));
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: response.statusCode, body: (await json(response)) as Answer['body'] };
}

const attestation = () => ({
  type: 'x509',
  x509: { signingCertificates: { primary: { certificate: simulator.endpoints.issuerPem } } },
});
const group = (names: object = {}) => ({ enrollmentGroupId: 'gateways', attestation: attestation(), ...names });
const put = (version: string, names?: object): Promise<Answer> =>
  rest(simulator, 'PUT', 'enrollmentGroups/gateways', version, group(names));
const get = (version: string): Promise<Answer> => rest(simulator, 'GET', 'enrollmentGroups/gateways', version);
const named = ({ body }: Answer): unknown[] => [
  body.namespaceName,
  body.certificateAuthorityName,
  body.certificatePolicyName,
  body.credentialPolicyName,
];

test('three names, read back by three, by one, and not at all', async () => {
  assert.deepEqual(named(await put(CONTRACT, THREE)), ['newleaf', 'ica-1', 'monthly', undefined]);
  assert.deepEqual(named(await get(PREVIEW)), [undefined, undefined, undefined, 'monthly']);
  assert.deepEqual(named(await get(CLASSIC)), [undefined, undefined, undefined, undefined]);
});

test('one name in the preview, and the contract knows where the policy is', async () => {
  await put(PREVIEW, { credentialPolicyName: 'monthly' });
  assert.deepEqual(named(await get(CONTRACT)), ['newleaf', 'ica-1', 'monthly', undefined]);
});

for (const left of Object.keys(THREE)) {
  test(`without ${left} the write is refused`, async () => {
    const { status, body } = await put(CONTRACT, { ...THREE, [left]: undefined });
    assert.deepEqual([status, body.errorCode], [400, 400004]);
    assert.match(String(body.message), /belong together/);
  });
}

test('a write without names takes the policy away', async () => {
  await put(CONTRACT, THREE);
  assert.deepEqual(named(await put(CONTRACT)), [undefined, undefined, undefined, undefined]);
});

test('a write by 2021-10-01 takes it away, too', async () => {
  await put(CONTRACT, THREE);
  await put(CLASSIC, { credentialPolicyName: 'other' });
  assert.equal((await get(CONTRACT)).body.certificatePolicyName, undefined);
});

test('without a namespace a write that names one is refused', async () => {
  const bare = await startSimulator();
  const answer = await rest(bare, 'PUT', 'enrollmentGroups/gateways', CONTRACT, group(THREE));
  await bare.enrollGroup({ groupId: 'gateways', primary: bare.endpoints.issuerPem });
  const again = await rest(bare, 'PUT', 'enrollmentGroups/gateways', CONTRACT, group(THREE));
  await bare.close();
  assert.equal(answer.status, 404);
  assert.deepEqual([again.status, again.body.errorCode], [400, 400004]);
  assert.match(String(again.body.message), /A Device Registry Namespace is required/);
});
