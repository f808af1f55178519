import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { newRequest } from '../../simulator/adr/request.ts';
import { Authority } from '../../simulator/ca.ts';
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

test('the onboarding certificate has expired: a new one for the same key is enough', async (t) => {
  const authority = await Authority.create('Factory', 0);
  const { key, csr } = await newRequest('gw-0001');
  const certified = async (lifetimeMs: number) =>
    (await authority.issue(Buffer.from(csr, 'base64'), { lifetimeMs, backdateMs: DAY })).chainPem;
  const factory = { issuerPem: authority.issuerPem, identity: { key, cert: await certified(-1_000) } };
  const { far, gateway } = await azureSite(t, { factory });
  const place = join(gateway.directory, 'onboarding.pem');
  writeFileSync(place, factory.identity.cert);
  gateway.configure([readFileSync(gateway.configuration, 'utf8'), `onboarding.certificate = ${JSON.stringify(place)}`]);
  await gateway.start();
  await gateway.log.waitFor({ code: 'NL-ONBOARDING-EXPIRED' }, { timeoutMs: PATIENCE_MS });
  writeFileSync(place, await certified(DAY));
  const { code, err } = await gateway.command('roll', '--wait');
  assert.equal(code, 0, err);
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
});

test('the hub refuses the CSR: its words are told, the session stays, and a CA that takes it is enough', async (t) => {
  const { far, gateway, thumbprint } = await azureServing(t);
  await far.set({ leafKeys: 'p384' });
  const refused = await gateway.command('roll', '--wait');
  assert.equal(refused.code, 3);
  assert.match(`${refused.out}${refused.err}`, /NL-AZURE-REFUSED .*status 400/);
  holds(await gateway.status(), { phase: 'serving', online: true, leaf: { thumbprint } });
  await far.set({ leafKeys: 'any' });
  const { code, err } = await gateway.command('roll', '--wait');
  assert.equal(code, 0, err);
});
