import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { after, before, test } from 'node:test';
import { newRequest } from '../../../simulator/adr/request.ts';
import type { AdrSwitches } from '../../../simulator/adr/switches.ts';
import type { ClientIdentity } from '../../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../../simulator/simulator.ts';
import { DEFAULT_SWITCHES } from '../../../simulator/switches.ts';
import { admits, certified, DPS_VERSION, prepare, type Registered, register } from './device.ts';

let simulator: Simulator;
let leaf: ClientIdentity;
let csr: string;
let key: string;

before(async () => {
  simulator = await startSimulator();
  await prepare(simulator);
  leaf = await simulator.clientIdentity('gw-1');
  ({ csr, key } = await newRequest('gw-1'));
});
after(() => simulator.close());

async function asked(
  switches: Partial<AdrSwitches>,
  body: object = { csr },
  version = DPS_VERSION,
): Promise<Registered> {
  await simulator.set(switches);
  try {
    return await register(simulator, 'gw-1', leaf, body, version);
  } finally {
    await simulator.set(DEFAULT_SWITCHES);
  }
}

type Row = readonly [Partial<AdrSwitches>, object | undefined, string | undefined, readonly string[] | number];

const subjects = ({ body }: Registered): string[] =>
  (body.registrationState?.issuedCertificateChain ?? []).map((der) =>
    new X509Certificate(Buffer.from(der, 'base64')).subject.replace('CN=newleaf ', ''),
  );

test('a request brings leaf, CA and root, each signed by the next; the CAs are EC P-384', async () => {
  const { body } = await asked({});
  const [issued, ica, root] = (body.registrationState?.issuedCertificateChain ?? []).map(
    (der) => new X509Certificate(Buffer.from(der, 'base64')),
  );
  assert.ok(issued && ica && root);
  assert.ok(issued.verify(ica.publicKey) && ica.verify(root.publicKey) && root.verify(root.publicKey));
  assert.deepEqual(
    [ica, root].map(({ publicKey }) => publicKey.asymmetricKeyDetails?.namedCurve),
    ['secp384r1', 'secp384r1'],
  );
  assert.equal(issued.subject, 'CN=gw-1');
  const days = (Date.parse(issued.validTo) - Date.now()) / 86_400_000;
  assert.ok(days > 29.9 && days <= 30, String(days));
  assert.ok(issued.ca === false);
});

test('the hub knows the device by its CA then: the issued leaf opens it, the onboarding leaf does not', async () => {
  const issued = await certified(simulator, 'gw-1', leaf, { csr, key });
  const { thumbprints } = (await simulator.device('gw-1')) ?? {};
  assert.deepEqual(thumbprints, { primary: '', secondary: '', byCa: true });
  assert.equal(await admits(simulator, 'gw-1', issued), 0);
  assert.equal(await admits(simulator, 'gw-1', leaf), 5);
});

for (const kind of ['P-256', 'P-384', 'RSA-2048'] as const) {
  test(`a key of ${kind} is certified, or not where the CA wants P-384`, async () => {
    const request = await newRequest('gw-1', kind);
    assert.equal((await asked({}, { csr: request.csr })).status, 200);
    assert.equal((await asked({ leafKeys: 'p384' }, { csr: request.csr })).status, kind === 'P-384' ? 200 : 400);
  });
}

for (const [switches, body, version, expected] of [
  [{ issuedChain: 'leaf-ica' }, undefined, undefined, ['CN=gw-1', 'ica-1']],
  [{ issuedChain: 'root-first' }, undefined, undefined, ['namespace root', 'ica-1', 'CN=gw-1']],
  [{ csrInClassicVersion: 'ignored' }, undefined, '2019-03-31', []],
  [{ csrInClassicVersion: 'refused' }, undefined, '2019-03-31', 400004],
  [{}, { csr: '' }, undefined, 400004],
  [{}, { csr: 'MIIB\n' }, undefined, 400004],
  [{}, { csr: 'AAAA' }, undefined, 400004],
  [{}, { csr: 7 }, undefined, 400004],
  [{}, { csr: 'A'.repeat(8_196) }, undefined, 400004],
] as const satisfies readonly Row[]) {
  test(`${JSON.stringify(switches)} ${version ?? ''} ${JSON.stringify(body ?? 'a request').slice(0, 40)}`, async () => {
    const registered = await asked(switches, body ?? { csr }, version);
    assert.deepEqual(registered.body.errorCode ?? subjects(registered), expected);
  });
}

test('a request for another CN is refused in the first answer, or by an operation that fails', async () => {
  const other = await newRequest('gw-2');
  const atOnce = await asked({}, { csr: other.csr });
  assert.equal(atOnce.status, 400);
  assert.equal(atOnce.body.message, 'The CN is "gw-2", not "gw-1".');
  const { status, body } = await asked({ csrRefusalAtDps: 'failed' }, { csr: other.csr });
  assert.deepEqual([status, body.registrationState?.status], [200, 'failed']);
  assert.equal(body.registrationState?.errorCode, 400004);
});

for (const [noChain, shown] of [
  ['absent', undefined],
  ['null', null],
] as const) {
  test(`a group without a policy assigns, and its chain is ${noChain}: the hub has the thumbprint`, async () => {
    const primary = simulator.endpoints.issuerPem;
    await simulator.enrollGroup({ groupId: 'gateways', primary });
    const { body } = await asked({ noChain });
    assert.equal(body.registrationState?.status, 'assigned');
    assert.equal(body.registrationState?.issuedCertificateChain, shown);
    assert.equal((await simulator.device('gw-1'))?.thumbprints.primary, leaf.thumbprint);
    await simulator.enrollGroup({ groupId: 'gateways', primary, certificatePolicy: { policy: 'monthly' } });
  });
}

for (const [issuingEnrollments, length] of [
  ['groups', 0],
  ['all', 3],
] as const) {
  test(`an individual enrollment with a policy issues ${length} certificates: ${issuingEnrollments}`, async () => {
    const certificatePolicy = { authority: 'ica-1', policy: 'monthly', namespace: 'newleaf' };
    await simulator.enrollIndividual({ registrationId: 'gw-1', primary: leaf.cert, certificatePolicy });
    const registered = await asked({ issuingEnrollments });
    await simulator.removeEnrollment('gw-1');
    assert.equal(registered.body.registrationState?.status, 'assigned');
    assert.equal(subjects(registered).length, length);
  });
}

test('a policy that was deleted issues nothing: refused, or without a word', async () => {
  await simulator.createPolicy('short', 1_000);
  const primary = simulator.endpoints.issuerPem;
  await simulator.enrollGroup({ groupId: 'gateways', primary, certificatePolicy: { policy: 'short' } });
  await simulator.deletePolicy('short');
  const refused = await asked({});
  const silent = await asked({ policyGoneAtDps: 'no-chain' });
  await simulator.enrollGroup({ groupId: 'gateways', primary, certificatePolicy: { policy: 'monthly' } });
  assert.deepEqual([refused.status, refused.body.errorCode], [400, 400004]);
  assert.equal(silent.body.registrationState?.issuedCertificateChain, undefined);
});

for (const [connectionProfile, version, shown] of [
  ['absent', '2026-11-02-preview', undefined],
  ['classic', '2026-11-02-preview', 'classic'],
  ['mqttV5', '2026-11-02-preview', 'mqttV5'],
  ['mqttV5', DPS_VERSION, undefined],
] as const) {
  test(`connectionProfile ${connectionProfile} in ${version}: ${shown}`, async () => {
    const { body } = await asked({ connectionProfile }, {}, version);
    assert.equal(body.registrationState?.connectionProfile, shown);
  });
}

test('the unified SDK leaves the registration ID to the username', async () => {
  assert.equal((await asked({}, { csr, registrationId: undefined })).status, 200);
  assert.equal((await asked({}, { csr, registrationId: 'gw-2' })).status, 400);
});

for (const [fault, options, sees] of [
  ['issue-cn', { cn: 'gw-9' }, (chain: X509Certificate) => chain.subject === 'CN=gw-9'],
  ['issue-not-yet', { ms: 60_000 }, (chain: X509Certificate) => Date.parse(chain.validFrom) > Date.now()],
  ['issue-lifetime', { ms: -1_000 }, (chain: X509Certificate) => Date.parse(chain.validTo) < Date.now()],
  ['issue-key', {}, (chain: X509Certificate) => !chain.checkPrivateKey(createPrivateKey(key))],
] as const) {
  test(`the fault ${fault}`, async () => {
    await simulator.lay('dps', fault, { ...options, times: 1 });
    const { body } = await asked({});
    const [first = ''] = body.registrationState?.issuedCertificateChain ?? [];
    assert.ok(sees(new X509Certificate(Buffer.from(first, 'base64'))));
  });
}
