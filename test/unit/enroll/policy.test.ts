import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { DEFAULT_SWITCHES } from '../../simulator/switches.ts';
import type { Told } from './paper.ts';
import { clear, done, staged } from './stage.ts';

const DAY = 86_400_000;
const NAMED = 'newleaf/ica-1/monthly';

const office = await staged();
const issuer = await office.file('issuer.pem', office.simulator.endpoints.issuerPem);
await office.simulator.createPolicy('monthly', 30 * DAY);
await office.simulator.createPolicy('weekly', 7 * DAY);
beforeEach(() => clear(office));
afterEach(async () => {
  await office.simulator.set(DEFAULT_SWITCHES);
  await office.simulator.lift('dps');
});

const PREVIEW = 'NEWLEAF_DPS_API_VERSION=2025-07-01-preview ';
const run = (line: string, more: readonly string[] = []): Promise<Told> => {
  const isPreview = line.startsWith(PREVIEW);
  const env = { ...office.env, ...(isPreview && { NEWLEAF_DPS_API_VERSION: '2025-07-01-preview' }) };
  return office.enroll([...line.replace(PREVIEW, '').split(' '), ...more], { env });
};

const held = (id: string) => office.simulator.enrollments.get(id).certificatePolicy;
const added = () => done(run(`add group gateways --issuing-policy ${NAMED} --certificate`, [issuer]));

test('a group with a policy: added, shown, listed, changed, and taken away', async () => {
  assert.match(
    await added(),
    /\+ policy {5}newleaf\/ica-1\/monthly\n.*Azure issues its leaves by newleaf\/ica-1\/monthly/s,
  );
  assert.deepEqual(held('gateways'), { namespace: 'newleaf', authority: 'ica-1', policy: 'monthly' });
  assert.match(await done(run('show group gateways')), /\n {4}policy {5}newleaf\/ica-1\/monthly\n/);
  assert.match(await done(run('list groups')), /SECONDARY {2}POLICY\n.* {2}newleaf\/ica-1\/monthly\n/);
  const { policy } = JSON.parse(await done(run('show group gateways --json')));
  assert.deepEqual(policy, { namespace: 'newleaf', authority: 'ica-1', policy: 'monthly' });
  const changed = await done(run('set-policy gateways newleaf/ica-1/weekly'));
  assert.match(changed, / {2}- policy {5}newleaf\/ica-1\/monthly\n {2}\+ policy {5}newleaf\/ica-1\/weekly\n/);
  assert.match(
    await done(run('set-policy gateways newleaf/ica-1/weekly')),
    /^The enrollment of gateways is so already/,
  );
  const kept = await run('remove-policy gateways', []);
  assert.match(kept.said, /Have DPS issue no more leaves for gateways\?.*repeat with --yes/);
  assert.match(await done(run('remove-policy gateways --yes')), / {2}- policy {5}newleaf\/ica-1\/weekly\n/);
  assert.equal(held('gateways'), undefined);
  assert.doesNotMatch(await done(run('list groups')), /POLICY/);
});

test('--dry-run writes nothing, and the log has the names', async () => {
  await added();
  assert.match(
    await done(run('set-policy gateways newleaf/ica-1/weekly --dry-run')),
    /Nothing was changed \(--dry-run\)/,
  );
  assert.equal(held('gateways')?.policy, 'monthly');
  const log = await readFile(join(office.directory, 'state', 'newleaf-enroll', 'dps.jsonl'), 'utf8');
  const last = JSON.parse(log.trim().split('\n').at(-1) ?? '');
  assert.deepEqual(
    [
      last.event,
      last.before,
      last.after.namespaceName,
      last.after.certificateAuthorityName,
      last.after.certificatePolicyName,
    ],
    ['done', null, 'newleaf', 'ica-1', 'monthly'],
  );
});

describe('a policy is still there after each command that writes the enrollment back', () => {
  for (const line of ['disallow group gateways --yes', 'roll-group intermediate gateways --certificate ISSUER']) {
    test(line, async () => {
      await added();
      const next = await office.file('next.pem', await office.simulator.rollIssuer('intermediate'));
      await done(run(line.replace('ISSUER', next)));
      assert.deepEqual(held('gateways'), { namespace: 'newleaf', authority: 'ica-1', policy: 'monthly' });
    });
  }

  test('in a DPS that knows the preview alone', async () => {
    await office.simulator.set({ dpsVersions: 'preview' });
    await done(run('add group gateways --issuing-policy monthly --certificate', [issuer]));
    await done(run('disallow group gateways --yes'));
    assert.deepEqual(held('gateways'), { policy: 'monthly' });
    assert.match(await done(run('show group gateways')), /\n {4}policy {5}monthly\n/);
  });
});

test('a DPS of before 2025 is asked in its own version, and takes no policy', async () => {
  await office.simulator.set({ dpsVersions: 'classic' });
  await done(run('add group gateways --certificate', [issuer]));
  await done(run('disallow group gateways --yes'));
  assert.match(await done(run('list groups')), /gateways {2}disabled/);
  const { code, said } = await run(`set-policy gateways ${NAMED}`);
  assert.match(
    said,
    /Nothing was changed: .* 2021-10-01, which knows no policies\. -> .*NEWLEAF_DPS_API_VERSION=2026-11-01/,
  );
  assert.equal(code, 1);
});

test('the version is found out once, and not by names that an operator has typed', async () => {
  const { log } = office.simulator;
  for (const [dpsVersions, asked] of [
    ['contract', ['2026-11-01']],
    ['preview', ['2026-11-01', '2025-07-01-preview']],
    ['classic', ['2026-11-01', '2025-07-01-preview', '2021-10-01']],
  ] as const) {
    await office.simulator.set({ dpsVersions });
    const mark = log.entries.length;
    await run('show device gw-9');
    const requests = log
      .since(mark)
      .flatMap(({ server, event, reason = '' }) => (server === 'dps' && event === 'request' ? [reason] : []));
    const version = (one: string) => one.split('api-version=')[1];
    assert.deepEqual(requests.filter((one) => one.includes('which-version')).map(version), asked);
    const rest = requests.filter(
      (one) => one.startsWith('GET /') && !one.includes('which') && !one.includes('devices'),
    );
    assert.ok(rest.every((one) => version(one) === asked.at(-1)) && rest.length > 0, rest.join('\n'));
  }
});

describe('names that the version does not have', () => {
  const rows = [
    ['set-policy gateways monthly', /asked in the api-version 2026-11-01, which names a policy by NS\/CA\/POLICY\./],
    [
      `${PREVIEW}set-policy gateways ${NAMED}`,
      /asked in the api-version 2025-07-01-preview, which names a policy by its name alone\./,
    ],
  ] as const;
  for (const [line, told] of rows) {
    test(line, async () => {
      await done(run('add group gateways --certificate', [issuer]));
      const { code, said } = await run(line);
      assert.match(said, told);
      assert.deepEqual([code, held('gateways')], [1, undefined]);
    });
  }

  test('a wrong version in the environment', async () => {
    const env = { ...office.env, NEWLEAF_DPS_API_VERSION: '2024-01-01' };
    const { code, said } = await office.enroll(['list', 'groups'], { env });
    assert.match(
      said,
      /NEWLEAF_DPS_API_VERSION is one of 2026-11-01, 2025-07-01-preview, 2021-10-01, not "2024-01-01"/,
    );
    assert.equal(code, 2);
  });
});

describe('an individual enrollment is asked about: it may issue nothing', () => {
  const ASKED = /An individual enrollment may issue nothing: .* Go on\?/;
  test('add', async () => {
    const { file } = await office.leaf('gw-1');
    const argv = ['add', 'individual', '--issuing-policy', NAMED, '--certificate', file];
    const kept = await office.enroll(argv, { answer: 'n' });
    assert.match(kept.said, ASKED);
    assert.deepEqual([kept.code, office.simulator.enrollments.individuals.size], [1, 0]);
    assert.equal((await office.enroll(argv, { answer: 'y' })).code, 0);
    assert.equal(held('gw-1')?.policy, 'monthly');
  });
  test('set-policy', async () => {
    const { file } = await office.leaf('gw-1');
    await done(run('add individual --certificate', [file]));
    assert.match((await run(`set-policy gw-1 ${NAMED}`)).said, ASKED);
    await done(run(`set-policy gw-1 ${NAMED} --yes`));
    assert.match(await done(run('show device gw-1')), /policy {5}newleaf\/ica-1\/monthly/);
  });
});

describe('what passes in minutes is said so', () => {
  const rows = [
    [
      400,
      400004,
      'A Device Registry Namespace is required to be set on this DPS instance',
      /Link the namespace to this DPS/,
    ],
    [403, 403000, 'The identity has no access.', /"Azure Device Registry Contributor" at the namespace.*minutes/],
  ] as const;
  for (const [status, code, message, told] of rows) {
    test(String(code), async () => {
      await added();
      // Before the write there is a read.
      await office.simulator.lay('dps', 'rest-status', { status, code, message, method: 'PUT' });
      const refused = await run('set-policy gateways newleaf/ica-1/weekly');
      assert.match(refused.said, told);
      assert.ok(refused.said.includes(message));
      assert.equal(refused.code, 1);
    });
  }
});
