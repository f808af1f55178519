import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { importFactoryKey } from '../stage/factory-key.ts';
import { holds } from '../stage/holds.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { azureServing, azureSite } from './site.ts';

const registrations = (
  far: { readonly log: { since(mark: number): readonly { readonly event: string }[] } },
  mark = 0,
) => far.log.since(mark).filter(({ event }) => event === 'register').length;

test('from nothing but a factory key: one registration, and the leaf of its answer serves', async (t) => {
  const { far, gateway, onboarding, thumbprint } = await azureServing(t);
  assert.equal(registrations(far), 1);
  const [device] = (await far.namespaceState()).devices;
  assert(device !== undefined);
  const status = await gateway.status();
  holds(status, { phase: 'serving', online: true, leaf: { thumbprint } });
  assert.notEqual(thumbprint, onboarding.thumbprint);
  holds(status, { onboarding: { thumbprint: onboarding.thumbprint } });
  const { newleaf } = (await far.twin('gw-0001')).reported as { newleaf?: { onboarding?: object } };
  assert.deepEqual(newleaf?.onboarding, status.onboarding);
  assert.match((await gateway.command('status')).out, / {2}Onboarding +[0-9A-F]{4} /);
  const seen = far.log.since(0);
  const shown = (server: string) =>
    new Set(seen.filter((one) => one.event === 'tls' && one.server === server).map((one) => one.thumbprint));
  assert.deepEqual([...shown('dps')], [onboarding.thumbprint], 'DPS sees the onboarding leaf alone');
  assert.deepEqual([...shown('hub1')], [thumbprint], 'the hub sees the issued leaf alone');
  assert.deepEqual(gateway.token.privateKeys(), ['factory', 'newleaf-a']);
});

test('a technician asks for another leaf: it comes over the session, without a registration', async (t) => {
  const { far, gateway, thumbprint } = await azureServing(t);
  const mark = far.log.entries.length;
  const { code, err } = await gateway.command('roll', '--wait');
  assert.equal(code, 0, err);
  assert.equal(registrations(far, mark), 0);
  assert.equal(far.log.since(mark).filter(({ event }) => event === 'credentials').length, 1);
  const status = await gateway.settled();
  assert.notEqual(status.leaf?.thumbprint, thumbprint);
  assert.deepEqual(gateway.token.privateKeys(), ['factory', 'newleaf-b']);
});

test('a hub that does not offer it: the next leaf comes by one registration', async (t) => {
  const settings = { 'issuer.azure.hub_api_version': '"2021-04-12"' };
  const { far, gateway, thumbprint } = await azureServing(t, { settings });
  const mark = far.log.entries.length;
  const { code, err } = await gateway.command('roll', '--wait');
  assert.equal(code, 0, err);
  assert.equal(registrations(far, mark), 1);
  assert.notEqual((await gateway.settled()).leaf?.thumbprint, thumbprint);
});

test('reprovision asks for the hub, and gets no leaf', async (t) => {
  const { far, gateway, thumbprint } = await azureServing(t);
  const mark = far.log.entries.length;
  const { code, err } = await gateway.command('reprovision', '--wait');
  assert.equal(code, 0, err);
  assert.equal(registrations(far, mark), 1);
  holds(await gateway.settled(), { leaf: { thumbprint } });
  assert.deepEqual(gateway.token.privateKeys(), ['factory', 'newleaf-a']);
});

for (const noChain of ['absent', 'null'] as const) {
  test(`the enrollment names no policy (chain ${noChain}): it says so, and a policy is enough`, async (t) => {
    const { far, gateway } = await azureSite(t, { hasNoPolicy: true, switches: { noChain } });
    await gateway.start();
    await gateway.log.waitFor({ code: 'NL-AZURE-POLICY' }, { timeoutMs: PATIENCE_MS });
    const primary = far.endpoints.issuerPem;
    await far.removeEnrollment('gateways');
    await far.enrollGroup({ groupId: 'gateways', primary, certificatePolicy: { policy: 'monthly' } });
    const { code, err } = await gateway.command('roll', '--wait');
    assert.equal(code, 0, err);
    holds(await gateway.settled(), { phase: 'serving', online: true });
  });
}

test('a leaf that is not valid yet is kept, and no other one is asked for', async (t) => {
  const { far, gateway, thumbprint } = await azureServing(t);
  await far.lay('hub1', 'issue-not-yet', { ms: 8_000, times: 1 });
  const mark = far.log.entries.length;
  assert.equal((await gateway.post('/v1/roll')).status, 202);
  await gateway.log.waitFor({ event: 'failed', code: 'NL-LEAF-NOT-YET' }, { timeoutMs: PATIENCE_MS });
  const { leaf } = await gateway.until((status) => status.online && status.leaf?.thumbprint !== thumbprint);
  assert.notEqual(leaf, undefined);
  assert.equal(far.log.since(mark).filter(({ event }) => event === 'credentials').length, 1);
  assert.equal(registrations(far, mark), 0);
});

for (const [keyType, curve] of [
  [undefined, 'secp384r1'],
  ['ec-p256', 'prime256v1'],
] as const) {
  test(`leaf.key_type ${keyType ?? 'is not set'}: a key on ${curve}`, async (t) => {
    const settings = keyType === undefined ? {} : { 'leaf.key_type': JSON.stringify(keyType) };
    const { gateway } = await azureServing(t, { settings });
    const leaf = new X509Certificate(readFileSync(join(gateway.stateDirectory, 'leaf.pem')));
    assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, curve);
  });
}

for (const issuingEnrollments of ['groups', 'all'] as const) {
  test(`an individual enrollment that names a policy, where DPS issues for: ${issuingEnrollments}`, async (t) => {
    const { far, gateway, onboarding } = await azureSite(t, { switches: { issuingEnrollments } });
    const [primary] = onboarding.cert.split(/(?<=-----END CERTIFICATE-----\n)/);
    const certificatePolicy = { policy: 'monthly' };
    await far.enrollIndividual({ registrationId: gateway.registrationId, primary: primary ?? '', certificatePolicy });
    await gateway.start();
    if (issuingEnrollments === 'all') {
      await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
      return;
    }
    await gateway.log.waitFor({ code: 'NL-AZURE-POLICY' }, { timeoutMs: PATIENCE_MS });
    const told = /NL-AZURE-POLICY .*individual one, which may issue none\. .*delete an individual enrollment/;
    for (const command of [['status'], ['check', 'trouble']]) {
      const { out } = await gateway.command(...command);
      assert.match(out.replaceAll(/\s+/g, ' '), told);
    }
    // The group, which names the policy, decides again.
    await far.removeEnrollment(gateway.registrationId);
    const { code, err } = await gateway.command('roll', '--wait');
    assert.equal(code, 0, err);
    holds(await gateway.settled(), { phase: 'serving', online: true });
  });
}

test('given up: the onboarding key stays, and what it still does is said', async (t) => {
  const { gateway } = await azureServing(t);
  await gateway.stop();
  const { code, out, err } = await gateway.command('decommission', '--yes');
  assert.equal(code, 0, err);
  const said = out.replaceAll(/\s+/g, ' ');
  assert.match(said, /leaves alone: key factory in token "\w+": it was there before newleaf \(onboarding\.key\)/);
  assert.match(said, /But the key factory .* stays: with its certificate it gets leaves of gw-0001 from DPS until/);
  assert.match(said, /scripts\/enroll revoke gw-0001 \(the leaves that Azure has issued\)/);
  assert.deepEqual(gateway.token.privateKeys(), ['factory']);
});

test('another onboarding key, and a restart: the leaf in use stays, and DPS is shown the other certificate', async (t) => {
  const { far, gateway, thumbprint } = await azureServing(t);
  const other = await far.clientIdentity(gateway.registrationId);
  importFactoryKey(gateway, other, { id: 'fb', label: 'factory-2' });
  await gateway.stop();
  const toml = readFileSync(gateway.configuration, 'utf8');
  gateway.configure([toml.replace(/pkcs11:id=%fa/, 'pkcs11:object=factory-2')]);
  const mark = far.log.entries.length;
  await gateway.start();
  await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, mark);
  assert.equal((await gateway.command('reprovision', '--wait')).code, 0);
  const shown = far.log.since(mark).filter(({ event, server }) => event === 'tls' && server === 'dps');
  assert.deepEqual([...new Set(shown.map((one) => one.thumbprint))], [other.thumbprint]);
  holds(await gateway.status(), { leaf: { thumbprint }, onboarding: { thumbprint: other.thumbprint } });
  assert.deepEqual(gateway.token.privateKeys(), ['factory', 'factory-2', 'newleaf-a']);
});

test('the onboarding key is not there: that key is named, and nothing is asked', async (t) => {
  const settings = { 'onboarding.key': '"pkcs11:object=other"' };
  const { far, gateway } = await azureSite(t, { settings });
  await gateway.start();
  await gateway.log.waitFor({ code: 'NL-ONBOARDING-KEY' }, { timeoutMs: PATIENCE_MS });
  assert.equal(registrations(far), 0);
});
