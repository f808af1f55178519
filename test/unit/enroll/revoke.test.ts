import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, type TestContext, test } from 'node:test';
import { admits, prepare, provisioned } from '../../clients/renewal.ts';
import { AUDIENCES } from '../../simulator/rest/bearer.ts';
import { DEFAULT_SWITCHES } from '../../simulator/switches.ts';
import { scratch } from '../state/disk.ts';
import { field, token, withAz } from './logged-in.ts';
import type { Told } from './paper.ts';
import { staged } from './stage.ts';

const HOUR = 3_600_000;
const IDS = ['gw-1', 'gw-2', 'gw-3'];

const office = await staged();
const { simulator } = office;
await prepare(simulator);
for (const id of IDS) await provisioned(simulator, id);
afterEach(async () => {
  await simulator.set(DEFAULT_SWITCHES);
  await simulator.lift('arm');
});

interface Logged extends Told {
  /** The log, a line each. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
}

/** As the user of an `az` of the test, which gives a token for Resource Manager alone. */
async function enroll(t: TestContext, argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Logged> {
  const directory = scratch(t);
  const log = join(directory, 'log');
  writeFileSync(log, '');
  const { armService, namespaceId } = simulator.endpoints;
  const line = token(armService, AUDIENCES.arm, Date.now() + HOUR);
  const own = {
    ...withAz(directory, `case "$*" in *${AUDIENCES.arm}) ${line} ;; *) exit 1 ;; esac`),
    NEWLEAF_ADR_NAMESPACE: `https://${field(armService, 'HostName')}${namespaceId}`,
  };
  const told = await office.enroll([...argv, '--log', log], { env: { ...own, ...env }, isWhole: true });
  const lines = readFileSync(log, 'utf8').split('\n').filter(Boolean);
  return { ...told, log: lines.map((line) => JSON.parse(line)) };
}

const idOf = async (id: string): Promise<string | undefined> =>
  (await simulator.namespaceState()).devices.find(({ deviceId }) => deviceId === id)?.id;

for (const registryName of ['external-id', 'own'] as const) {
  test(`every leaf of a device is revoked, whatever its name in the registry: ${registryName}`, async (t) => {
    await simulator.set({ registryName });
    const { leaf } = await provisioned(simulator, 'gw-3');
    const other = await idOf('gw-1');
    assert.equal(await admits(simulator, 'gw-3', leaf), 0);
    const { code, out, said, log } = await enroll(t, ['revoke', 'gw-3', '--yes']);
    assert.equal(code, 0, said);
    assert.match(
      out,
      /^Device gw-3 of Azure Device Registry\n.* policy .*\/certificatePolicies\/monthly\n.*No leaf that was issued to gw-3 so far opens a hub\./s,
    );
    assert.equal(await admits(simulator, 'gw-3', leaf), 5);
    assert.equal(await idOf('gw-1'), other);
    assert.deepEqual(
      log.map(({ event, kind, id, after: becomes }) => [event, kind, id, becomes]),
      [
        ['begun', 'leaves', 'gw-3', 'revoked'],
        ['done', 'leaves', 'gw-3', 'revoked'],
      ],
    );
  });
}

test('--dry-run and without an answer: nothing is revoked', async (t) => {
  const before = await idOf('gw-1');
  const dry = await enroll(t, ['revoke', 'gw-1', '--dry-run']);
  assert.match(dry.out, /Nothing was changed \(--dry-run\)/);
  const asked = await enroll(t, ['revoke', 'gw-1']);
  assert.match(asked.said, /Revoke every leaf that Azure has issued to gw-1\? This cannot be undone\. .*--yes/);
  assert.deepEqual([dry.code, asked.code, dry.log, asked.log, await idOf('gw-1')], [0, 2, [], [], before]);
});

test('what the registry does not know, what is no namespace, and what Azure refuses: one sentence each', async (t) => {
  const unknown = await enroll(t, ['revoke', 'gw-9', '--yes']);
  assert.match(unknown.said, /^The namespace has no device "gw-9"\. -> It has those that have got a leaf/);
  const odd = await enroll(t, ['revoke', 'gw_9', '--yes']);
  assert.match(odd.said, /^The namespace has no device "gw_9"/);
  const missing = await enroll(t, ['revoke', 'gw-1', '--yes'], { NEWLEAF_ADR_NAMESPACE: '' });
  assert.match(
    missing.said,
    /^The namespace is missing: --namespace or NEWLEAF_ADR_NAMESPACE.* -> `az iot adr ns show/,
  );
  const wrong = await enroll(t, ['revoke', 'gw-1', '--namespace', 'newleaf', '--yes']);
  assert.match(wrong.said, /^"newleaf" is no namespace: /);
  await simulator.lay('arm', 'rest-status', { status: 409, message: 'The device is busy.', method: 'POST' });
  const busy = await enroll(t, ['revoke', 'gw-1', '--yes']);
  assert.match(busy.said, /^Azure Device Registry refuses \(409\): The device is busy\./);
  assert.deepEqual(
    busy.log.map(({ event }) => event),
    ['begun', 'failed'],
  );
  await simulator.lay('arm', 'rest-status', { status: 403, message: 'No role.' });
  const barred = await enroll(t, ['revoke', 'gw-1', '--yes']);
  assert.match(barred.said, /^Azure Device Registry refuses the connection string or the login \(403\): .*your role/);
  assert.deepEqual(
    [unknown, missing, wrong, busy, barred].map(({ code }) => code),
    [1, 2, 2, 1, 1],
  );
});
