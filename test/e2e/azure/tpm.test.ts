import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Swtpm } from '../../contract/tpm/swtpm.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { Gateway } from '../stage/gateway.ts';
import { holds } from '../stage/holds.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { DAY } from './site.ts';

const ID = 'gw-0001';

interface Site {
  readonly far: Simulator;
  readonly gateway: Gateway;
  readonly swtpm: Swtpm;
  /** Enrolls the TPM. */
  readonly enroll: (policy?: string) => Promise<void>;
}

/** A gateway with a token, which DPS knows by its TPM, and a far side that issues for individual enrollments. Nothing is enrolled. */
async function site(t: TestContext, more: Readonly<Record<string, string>> = {}): Promise<Site> {
  const far = await startSimulator({ switches: { issuingEnrollments: 'all' } });
  await far.createPolicy('monthly', 30 * DAY);
  const swtpm = Swtpm.start();
  const settings = { 'leaf.issuer': '"azure"', 'onboarding.tpm': JSON.stringify(swtpm.device), ...more };
  const gateway = new Gateway(far.endpoints, { settings });
  t.after(async () => {
    await gateway.remove();
    await far.close();
    await swtpm[Symbol.asyncDispose]();
  });
  const { out } = await gateway.command('tpm', '--json');
  const { endorsementKey } = JSON.parse(out);
  const enroll = async (policy?: string) => {
    const certificatePolicy = policy === undefined ? {} : { certificatePolicy: { policy } };
    await far.enrollIndividual({ registrationId: ID, tpm: { endorsementKey }, ...certificatePolicy });
  };
  return { far, gateway, swtpm, enroll };
}

async function serving(t: TestContext, more: Readonly<Record<string, string>> = {}) {
  const made = await site(t, more);
  await made.enroll('monthly');
  await made.gateway.start();
  const { thumbprint } = await made.far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  await made.gateway.settled();
  return { ...made, thumbprint };
}

/** What DPS and hub were asked since then. */
const asked = (far: Simulator, mark = 0) => {
  const events = far.log.since(mark).map(({ event }) => event);
  const count = (event: string) => events.filter((one) => one === event).length;
  return { registrations: count('register'), renewals: count('credentials') };
};

const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');

test('from nothing but a TPM: one registration, and the leaf of its answer serves', async (t) => {
  const { far, gateway, thumbprint } = await serving(t);
  assert.deepEqual(asked(far), { registrations: 1, renewals: 0 });
  const status = await gateway.status();
  holds(status, { attestation: 'x509', phase: 'serving', online: true, person: false, leaf: { thumbprint } });
  assert.deepEqual(status.onboarding, { attestation: 'tpm' });
  await far.log.waitFor({ event: 'reported' }, PATIENCE_MS);
  holds((await far.twin(ID)).reported, { newleaf: { onboarding: { attestation: 'tpm' } } });
  const seen = far.log.since(0).filter(({ event }) => event === 'tls');
  const shown = (server: string) => new Set(seen.filter((one) => one.server === server).map((one) => one.thumbprint));
  assert.deepEqual([...shown('dps')], [''], 'DPS sees no certificate');
  assert.deepEqual([...shown('hub1')], [thumbprint], 'the hub sees the issued leaf alone');
  assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a']);
});

test('a technician asks for another leaf: it comes over the session; reprovision asks for the hub, and gets none', async (t) => {
  const { far, gateway, thumbprint } = await serving(t);
  const mark = far.log.entries.length;
  const rolled = await gateway.command('roll', '--wait');
  assert.equal(rolled.code, 0, rolled.err);
  assert.deepEqual(asked(far, mark), { registrations: 0, renewals: 1 });
  const { leaf } = await gateway.settled();
  assert.notEqual(leaf?.thumbprint, thumbprint);
  const { code, err } = await gateway.command('reprovision', '--wait');
  assert.equal(code, 0, err);
  assert.deepEqual(asked(far, mark), { registrations: 1, renewals: 1 });
  holds(await gateway.settled(), { leaf: { thumbprint: leaf?.thumbprint } });
  assert.deepEqual(gateway.token.privateKeys(), ['newleaf-b']);
});

test('a hub that does not offer it: the next leaf comes by one registration', async (t) => {
  const { far, gateway, thumbprint } = await serving(t, { 'issuer.azure.hub_api_version': '"2021-04-12"' });
  const mark = far.log.entries.length;
  const { code, err } = await gateway.command('roll', '--wait');
  assert.equal(code, 0, err);
  assert.deepEqual(asked(far, mark), { registrations: 1, renewals: 0 });
  assert.notEqual((await gateway.settled()).leaf?.thumbprint, thumbprint);
});

test('the TPM is away: its code with the setting of this gateway; back again, and it serves', async (t) => {
  const { far, gateway, swtpm, enroll } = await site(t);
  await enroll('monthly');
  await swtpm.powerOff();
  await gateway.start();
  await gateway.log.waitFor({ code: 'NL-TPM-MISSING' }, { timeoutMs: PATIENCE_MS });
  const { out } = await gateway.command('status');
  assert.match(flat(out), /NL-TPM-MISSING There is no TPM at .* correct onboarding\.tpm/);
  assert.deepEqual(asked(far), { registrations: 0, renewals: 0 });
  swtpm.powerOn();
  const { code, err } = await gateway.command('roll', '--wait');
  assert.equal(code, 0, err);
  holds(await gateway.settled(), { phase: 'serving', online: true, wrong: [] });
});

test('a TPM that is not enrolled: its sentence, and no leaf; enrolled, with a policy at last, it serves', async (t) => {
  const { far, gateway, enroll } = await site(t);
  await gateway.start();
  await gateway.log.waitFor({ code: 'NL-DPS-404201' }, { timeoutMs: PATIENCE_MS });
  await gateway.until(({ person }) => person);
  const told = await gateway.command('status');
  assert.equal(told.code, 4);
  assert.match(flat(told.out), /DPS has no TPM enrollment for this registration ID .*`newleaf tpm`/);
  assert.match(told.out, / {2}Onboarding +by the TPM/);
  assert.doesNotMatch(told.out, /expire|DPS until/i);
  await enroll();
  await gateway.command('roll', '--wait');
  await gateway.log.waitFor({ code: 'NL-AZURE-POLICY' }, { timeoutMs: PATIENCE_MS });
  assert.match(flat((await gateway.command('status')).out), /the enrollment of this TPM names no certificate policy/);
  await far.removeEnrollment(ID);
  await enroll('monthly');
  const { code, err } = await gateway.command('roll', '--wait');
  assert.equal(code, 0, err);
  holds(await gateway.settled(), { phase: 'serving', online: true, person: false });
});

test('check, metrics, support bundle and --onboarding: nothing has an end', async (t) => {
  const { gateway } = await serving(t);
  const { out, code } = await gateway.command('check', '--json');
  assert.equal(code, 0, out);
  const { checks } = JSON.parse(out);
  const found = Object.fromEntries(checks.map((one: { id: string; outcome: string }) => [one.id, one.outcome]));
  holds(found, {
    'dps-reach': 'ok',
    'dps-tls': 'skipped',
    enrollment: 'skipped',
    'issuer-auth': 'ok',
    'hub-tls': 'ok',
  });
  for (const args of [
    ['csr', '--onboarding'],
    ['install', '--onboarding', gateway.configuration],
  ]) {
    const { code, err } = await gateway.command(...args);
    assert.equal(code, 2, args[0]);
    assert.match(flat(err), /DPS knows this gateway by its TPM, which has no certificate/);
  }
  const bundle = join(gateway.directory, 'bundle.tar.gz');
  const bundled = await gateway.command('support-bundle', '-o', bundle);
  assert.equal(bundled.code, 0, bundled.err);
  const names = execFileSync('tar', ['-tzf', bundle], { encoding: 'utf8' });
  assert.match(names, /\/leaf\.pem\n/);
  const metrics = execFileSync('tar', ['-xzOf', bundle, '--wildcards', '*/metrics.txt'], { encoding: 'utf8' });
  assert.match(metrics, /^newleaf_azure_requests 1$/m);
  assert.doesNotMatch(metrics, /newleaf_onboarding/);
  await gateway.stop();
  const given = await gateway.command('decommission', '--yes');
  assert.equal(given.code, 0, given.err);
  assert.match(
    flat(given.out),
    /But the TPM \(.*\) stays as it is: by it the gateway gets leaves of gw-0001 from DPS until/,
  );
  assert.match(flat(given.out), /scripts\/enroll revoke gw-0001/);
  assert.deepEqual(gateway.token.privateKeys(), []);
});
