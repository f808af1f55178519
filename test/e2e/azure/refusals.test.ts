import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { newRequest } from '../../simulator/adr/request.ts';
import { Authority, type ClientIdentity } from '../../simulator/ca.ts';
import type { Simulator } from '../../simulator/simulator.ts';
import { importFactoryKey } from '../stage/factory-key.ts';
import type { Gateway } from '../stage/gateway.ts';
import { holds } from '../stage/holds.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { azureServing, azureSite, DAY } from './site.ts';

const policy = { certificatePolicy: { policy: 'monthly' } };

test('a hub of MQTT 5 is refused in one sentence, without a storm, and another hub is enough', async (t) => {
  const { far, gateway, thumbprint } = await azureServing(t);
  await far.set({ connectionProfile: 'mqttV5' });
  const mark = far.log.entries.length;
  const refused = await gateway.command('reprovision', '--wait');
  assert.equal(refused.code, 3);
  assert.match(`${refused.out}${refused.err}`, /NL-AZURE-MQTT5 .*"mqttV5"/);
  assert.equal(far.log.since(mark).filter(({ event }) => event === 'register').length, 1);
  holds(await gateway.status(), { phase: 'serving', online: true, leaf: { thumbprint } });
  await far.set({ connectionProfile: 'classic' });
  assert.equal((await gateway.command('reprovision', '--wait')).code, 0);
});

test('the onboarding certificate is not enrolled: it is named, and enrolling it is enough', async (t) => {
  const { far, gateway, onboarding } = await azureServing(t);
  await far.removeEnrollment('gateways');
  const refused = await gateway.command('reprovision', '--wait');
  assert.equal(refused.code, 3);
  const said = `${refused.out}${refused.err}`.replaceAll(/\s+/g, ' ');
  assert.match(said, /NL-DPS-401002 DPS does not accept the onboarding certificate/);
  assert.ok(said.includes(onboarding.thumbprint), said);
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem, ...policy });
  assert.equal((await gateway.command('reprovision', '--wait')).code, 0);
});

/** A gateway whose onboarding certificate, of a CA of its own that the group enrolls, lies in a file. */
async function ofFactory(t: TestContext, { issuerPem }: Authority, identity: Pick<ClientIdentity, 'key' | 'cert'>) {
  const { far, gateway } = await azureSite(t, { factory: { issuerPem, identity } });
  const { directory, configuration } = gateway;
  const place = join(directory, 'onboarding.pem');
  writeFileSync(place, identity.cert);
  gateway.configure([readFileSync(configuration, 'utf8'), `onboarding.certificate = ${JSON.stringify(place)}`]);
  return { far, gateway, directory, place };
}

/** As a technician brings it. */
const installs = (gateway: Gateway, pem: string) =>
  gateway.command('install', '--onboarding', JSON.parse(gateway.file('new.pem', pem)));

const troubleIn = (far: Simulator): unknown => {
  const { newleaf } = far.registries.hub1.twin('gw-0001').reported as {
    readonly newleaf?: { readonly trouble?: string };
  };
  return newleaf?.trouble;
};

test('the onboarding certificate has expired: a new one for the same key is enough', async (t) => {
  const authority = await Authority.create('Factory', 0);
  const { key, csr } = await newRequest('gw-0001');
  const certified = async (lifetimeMs: number) =>
    (await authority.issue(Buffer.from(csr, 'base64'), { lifetimeMs, backdateMs: DAY })).chainPem;
  const { far, gateway } = await ofFactory(t, authority, { key, cert: await certified(-1_000) });
  await gateway.start();
  await gateway.log.waitFor({ code: 'NL-ONBOARDING-EXPIRED' }, { timeoutMs: PATIENCE_MS });
  const { code, err } = await installs(gateway, await certified(DAY));
  assert.equal(code, 0, err);
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
});

test('the onboarding certificate nears its end: told everywhere, and replaced by a CSR of its key', async (t) => {
  const authority = await Authority.create('Factory', 0);
  const identity = await authority.clientIdentity('gw-0001', { lifetimeMs: 10 * DAY, backdateMs: 50 * DAY });
  const { far, gateway, directory } = await ofFactory(t, authority, identity);
  await gateway.start();
  await gateway.log.waitFor({ event: 'onboarding-expiring', code: 'NL-ONBOARDING-EXPIRING' });
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  const trouble = async () => (await gateway.settled()).wrong?.map(({ code }) => code);
  assert.deepEqual(await trouble(), ['NL-ONBOARDING-EXPIRING']);
  await far.log.waitFor(() => troubleIn(far) === 'NL-ONBOARDING-EXPIRING', PATIENCE_MS);
  const file = join(directory, 'onboarding.csr');
  const asked = await gateway.command('csr', '--onboarding', '-o', file);
  assert.equal(asked.code, 0, asked.err);
  const request = readFileSync(file, 'utf8').replaceAll(/-----[^-]+-----|\s/g, '');
  const next = await authority.issue(Buffer.from(request, 'base64'), { lifetimeMs: 400 * DAY });
  const mark = far.log.entries.length;
  const installed = await installs(gateway, next.chainPem);
  assert.equal(installed.code, 0, installed.err);
  assert.deepEqual(await trouble(), []);
  const shown = far.log.since(mark).find(({ event, server }) => event === 'tls' && server === 'dps');
  assert.equal(shown?.thumbprint, next.thumbprint);
  holds(await gateway.status(), { onboarding: { thumbprint: next.thumbprint } });
});

test('another onboarding certificate is installed: judged, shown to DPS first, and the one before is kept', async (t) => {
  const authority = await Authority.create('Factory', 0);
  const { key, csr } = await newRequest('gw-0001');
  const certified = async (by: Authority, lifetimeMs: number) =>
    (await by.issue(Buffer.from(csr, 'base64'), { lifetimeMs })).chainPem;
  const { far, gateway, place } = await ofFactory(t, authority, { key, cert: await certified(authority, 30 * DAY) });
  await gateway.start();
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  await gateway.settled();
  const before = readFileSync(place, 'utf8');
  const other = await installs(gateway, (await authority.clientIdentity('gw-0001', { lifetimeMs: DAY })).cert);
  assert.match(other.err, /NL-LEAF-KEY/);
  const stranger = await installs(gateway, await certified(await Authority.create('Stranger', 0), 400 * DAY));
  assert.match(stranger.err, /NL-DPS-401002 .*the onboarding certificate/s);
  assert.equal(readFileSync(place, 'utf8'), before, 'nothing that DPS accepts is given up');
  const taken = await installs(gateway, await certified(authority, 400 * DAY));
  assert.equal(taken.code, 0, taken.err);
  assert.match(taken.out, /DPS is shown this certificate from now on/);
  assert.notEqual(readFileSync(place, 'utf8'), before);
  assert.equal(readFileSync(`${place}.bak`, 'utf8'), before);
  const [device] = (await far.namespaceState()).devices;
  assert.equal(device?.leaves.length, 1, 'it costs no leaf');
});

test('the onboarding certificate cannot be replaced: no file is named, or newleaf may not write it', async (t) => {
  const { far, gateway } = await azureServing(t);
  const { key, csr } = await newRequest('gw-0001');
  const certified = () => far.issue(csr);
  importFactoryKey(gateway, { key, cert: await certified() }, { id: 'fb', label: 'factory-2' });
  await gateway.stop();
  const configured = (...more: string[]) => {
    const toml = readFileSync(gateway.configuration, 'utf8').replace(/pkcs11:id=%fa/, 'pkcs11:object=factory-2');
    gateway.configure([toml, ...more]);
  };
  configured();
  await gateway.start();
  await gateway.settled();
  const unnamed = await installs(gateway, await certified());
  assert.match(unnamed.err, /NL-CONFIG onboarding\.certificate names no file.*`systemctl restart newleaf`/s);

  const place = join(gateway.directory, 'onboarding.pem');
  writeFileSync(place, await certified());
  configured(`onboarding.certificate = ${JSON.stringify(place)}`);
  await gateway.stop();
  await gateway.start();
  await gateway.settled();
  mkdirSync(`${place}.bak`);
  const next = await certified();
  const unwritten = await installs(gateway, next);
  assert.match(
    unwritten.err,
    /NL-STATE-WRITE The certificate is good, but newleaf may not write it to\s.*onboarding\.pem/s,
  );
  execFileSync('install', ['-m', '644', join(gateway.directory, 'new.pem'), place]);
  const mark = far.log.entries.length;
  assert.equal((await gateway.command('reprovision', '--wait')).code, 0);
  const shown = far.log.since(mark).find(({ event, server }) => event === 'tls' && server === 'dps');
  assert.equal(shown?.thumbprint, new X509Certificate(next).fingerprint256.replaceAll(':', ''));
});

test('the hub refuses the CSR: its words are told, the session stays, and a CA that takes it is enough', async (t) => {
  const { far, gateway, thumbprint } = await azureServing(t, { settings: { 'leaf.key_type': '"ec-p256"' } });
  await far.set({ leafKeys: 'p384' });
  const refused = await gateway.command('roll', '--wait');
  assert.equal(refused.code, 3);
  assert.match(`${refused.out}${refused.err}`, /NL-AZURE-REFUSED .*status 400/);
  holds(await gateway.status(), { phase: 'serving', online: true, leaf: { thumbprint } });
  await far.set({ leafKeys: 'any' });
  const { code, err } = await gateway.command('roll', '--wait');
  assert.equal(code, 0, err);
});
