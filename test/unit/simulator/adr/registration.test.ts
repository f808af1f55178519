import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { admits, certified, prepare, provisioned, register } from '../../../clients/renewal.ts';
import { Namespace } from '../../../simulator/adr/namespace.ts';
import { newRequest } from '../../../simulator/adr/request.ts';
import type { AdrSwitches } from '../../../simulator/adr/switches.ts';
import { policyIn } from '../../../simulator/rest/policy-names.ts';
import { staged } from '../stage.ts';

const LEAF = /-----BEGIN[\s\S]+?-----END CERTIFICATE-----\n?/;

const { simulator, leaf } = await staged();
await prepare(simulator);
const requests: Record<string, string> = { other: (await newRequest('gw-2')).csr };
for (const kind of ['P-256', 'P-384', 'RSA-2048'] as const) requests[kind] = (await newRequest('gw-1', kind)).csr;

interface Asked extends Partial<AdrSwitches> {
  /** The name of a request, or what is sent for one. */
  readonly csr?: unknown;
  readonly id?: string;
  readonly version?: string;
}
const P384 = { leafKeys: 'p384' } as const;
const WHOLE = ['gw-1', 'newleaf ica-1', 'newleaf namespace root'];

/** The subjects of the chain that a registration brings, or the number of its refusal. */
const rows: readonly (readonly [what: string, Asked, brings: readonly string[] | number])[] = [
  ['a request', { csr: 'P-256' }, WHOLE],
  ['a request of RSA', { csr: 'RSA-2048' }, WHOLE],
  ['a request, where the CA wants P-384', { csr: 'P-256', ...P384 }, 400004],
  ['a request of RSA, where the CA wants P-384', { csr: 'RSA-2048', ...P384 }, 400004],
  ['the right request, where the CA wants P-384', { csr: 'P-384', ...P384 }, WHOLE],
  ['a chain without root', { csr: 'P-256', issuedChain: 'leaf-ica' }, WHOLE.slice(0, 2)],
  ['a chain with the root first', { csr: 'P-256', issuedChain: 'root-first' }, WHOLE.toReversed()],
  ['a request in a version that knows none', { csr: 'P-256', version: '2019-03-31' }, []],
  ['a request for another CN', { csr: 'other' }, 400004],
  ['a request for another CN, by an operation', { csr: 'other', csrRefusalAtDps: 'failed' }, 400004],
  ['an empty request', { csr: '' }, 400004],
  ['lines in a request', { csr: 'MIIB\n' }, 400004],
  ['garbage', { csr: 'AAAA' }, 400004],
  ['a number', { csr: 7 }, 400004],
  ['a request beyond 8 KB', { csr: 'A'.repeat(8_196) }, 400004],
  ['the registration ID in the username alone, as the unified SDK has it', { csr: 'P-256', id: '' }, WHOLE],
  ['another registration ID', { csr: 'P-256', id: 'gw-2' }, 400004],
];
for (const [what, { csr: sent, id = 'gw-1', version, ...switches }, brings] of rows) {
  test(`${what}: ${brings}`, async () => {
    await simulator.set(switches);
    const csr = (typeof sent === 'string' && requests[sent]) || sent;
    const named = { registrationId: id || undefined };
    const { status, body } = await register(simulator, 'gw-1', leaf, { csr, ...named }, version);
    const { errorCode = body.errorCode, issuedCertificateChain: chain } = body.registrationState ?? {};
    const certificates = (chain ?? []).map((der) => new X509Certificate(Buffer.from(der, 'base64')));
    assert.deepEqual(errorCode ?? certificates.map(({ subject }) => subject.replace('CN=', '')), brings);
    if (errorCode) assert.equal(status, switches.csrRefusalAtDps === 'failed' ? 200 : 400);
    if (brings !== WHOLE) return;
    const [issued, ica, root] = certificates;
    assert.ok(issued && ica && root);
    assert.ok(issued.verify(ica.publicKey) && ica.verify(root.publicKey) && root.verify(root.publicKey));
    assert.ok(Math.abs(Date.parse(issued.validTo) - Date.now() - 30 * 86_400_000) < 60_000);
  });
}

test('the names of a policy belong together, and need a namespace', async () => {
  const [bare, full] = [new Namespace(Date.now), new Namespace(Date.now)];
  await full.createPolicy('monthly');
  const three = { namespaceName: 'newleaf', certificateAuthorityName: 'ica-1', certificatePolicyName: 'monthly' };
  assert.throws(() => policyIn(three, '2026-11-01', bare), /A Device Registry Namespace is required/);
  assert.equal(policyIn(three, '2021-10-01', full), undefined);
  for (const left of Object.keys(three)) {
    assert.throws(() => policyIn({ ...three, [left]: undefined }, '2026-11-01', full), /belong together/);
  }
});

for (const [issuingEnrollments, issues] of [
  ['groups', false],
  ['all', true],
] as const) {
  test(`an individual enrollment with a policy issues, where ${issuingEnrollments} do: ${issues}`, async () => {
    const certificatePolicy = { authority: 'ica-1', policy: 'monthly', namespace: 'newleaf' };
    await simulator.set({ issuingEnrollments });
    await simulator.enrollIndividual({ registrationId: 'gw-1', primary: leaf.cert, certificatePolicy });
    const { body } = await register(simulator, 'gw-1', leaf, { csr: requests['P-256'] });
    await simulator.removeEnrollment('gw-1');
    assert.equal(body.registrationState?.issuedCertificateChain !== undefined, issues);
  });
}

for (const [what, revoke] of [
  ['a device that is revoked', () => simulator.revokeDevice('gw-1')],
  ['a CA that is rotated', () => simulator.rotateIntermediate()],
] as const) {
  test(`${what}: only leaves of afterwards open the hub, with their CA, and never the onboarding leaf`, async () => {
    const { onboarding, leaf: before } = await provisioned(simulator, 'gw-1');
    const older = await certified(simulator, 'gw-1', onboarding);
    assert.deepEqual([await admits(simulator, 'gw-1', before), await admits(simulator, 'gw-1', older)], [0, 0]);
    await revoke();
    assert.deepEqual([await admits(simulator, 'gw-1', before), await admits(simulator, 'gw-1', older)], [5, 5]);
    const { key, cert } = await certified(simulator, 'gw-1', onboarding);
    assert.equal(await admits(simulator, 'gw-1', { key, cert }), 0);
    const [alone = ''] = LEAF.exec(cert) ?? [];
    assert.equal(await admits(simulator, 'gw-1', { key, cert: alone }), 5, 'its CA was not sent');
    assert.equal(await admits(simulator, 'gw-1', onboarding), 5);
    assert.equal((await register(simulator, 'gw-1', { key, cert })).status, 401, 'it is in no enrollment');
    const other = await provisioned(simulator, 'gw-2');
    assert.equal(await admits(simulator, 'gw-1', other.leaf), 5, 'of another device');
    await register(simulator, 'gw-1', onboarding);
    assert.equal(await admits(simulator, 'gw-1', { key, cert }), 0, 'a registration without a request changes nothing');
  });
}
