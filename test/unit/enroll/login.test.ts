import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { shared } from '../../../scripts/enrollment/login.ts';
import { AUDIENCES } from '../../simulator/rest/bearer.ts';
import { scratch } from '../state/disk.ts';
import { field, token, withAz } from './logged-in.ts';
import type { Told } from './paper.ts';
import { staged } from './stage.ts';

const HOUR = 3_600_000;

const office = await staged();
const { simulator } = office;

interface Desk {
  readonly env: NodeJS.ProcessEnv;
  /** What `az` was called with. */
  readonly calls: () => readonly string[];
}

/** A desk with hosts in place of connection strings, and an `az` of the test: this shell script. */
function desk(directory: string, az: string, env: NodeJS.ProcessEnv = {}): Desk {
  const { dpsService, hub1Service } = simulator.endpoints;
  const called = join(directory, 'called');
  writeFileSync(called, '');
  return {
    env: {
      ...withAz(directory, `echo "$*" >>'${called}'\n${az}`),
      NEWLEAF_DPS_CONNECTION: field(dpsService, 'HostName'),
      NEWLEAF_HUB_CONNECTION: field(hub1Service, 'HostName'),
      ...env,
    },
    calls: () => readFileSync(called, 'utf8').trim().split('\n'),
  };
}

/** An `az` that is logged in: it gives a token for DPS or for the hub. */
function loggedIn(audiences: { readonly dps: string; readonly hub: string } = AUDIENCES): string {
  const { dpsService, hub1Service } = simulator.endpoints;
  const until = Date.now() + HOUR;
  const [dps, hub] = [token(dpsService, audiences.dps, until), token(hub1Service, audiences.hub, until)];
  return `case "$*" in *${AUDIENCES.dps}) ${dps} ;; *) ${hub} ;; esac`;
}

async function enroll(env: NodeJS.ProcessEnv, ...argv: readonly string[]): Promise<Told> {
  const told = await office.enroll(argv, { env, isWhole: true });
  return { ...told, said: told.said.trim() };
}

describe('a host in place of a connection string', () => {
  test('the user of az works in DPS and hub, and az is asked once for each', async (t) => {
    const { env, calls } = desk(scratch(t), loggedIn());
    await simulator.enrollGroup({ groupId: 'gateways', primary: simulator.endpoints.issuerPem });
    const group = await enroll(env, 'show', 'group', 'gateways');
    assert.match(group.out, /^Enrollment group gateways\n.*enabled/);
    const barred = await enroll(env, 'disallow', 'group', 'gateways', '--yes');
    assert.deepEqual([barred.code, simulator.enrollments.get('gateways').status], [0, 'disabled']);
    const before = calls().length;
    // All at the same time.
    const called = await enroll(env, 'reprovision', 'gw-1', 'gw-2', 'gw-3', '--wait', '0');
    assert.match(called.out, /3 devices: 0 asked, 3 not asked/);
    assert.deepEqual(calls().slice(before), [`account get-access-token --output json --resource ${AUDIENCES.hub}`]);
  });

  test('a token for something else is refused, and the sentence names the role', async (t) => {
    const { env } = desk(scratch(t), loggedIn({ dps: AUDIENCES.hub, hub: AUDIENCES.hub }));
    const { code, said } = await enroll(env, 'show', 'group', 'gateways');
    assert.match(said, /^DPS refuses the connection string or the login \(401\): .*your role/);
    assert.equal(code, 1);
  });

  test('half a service principal: what is missing', async (t) => {
    const { env } = desk(scratch(t), 'exit 1', { AZURE_CLIENT_ID: 'a' });
    for (const [more, missing] of [
      [{}, 'AZURE_TENANT_ID and AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH)'],
      [{ AZURE_CLIENT_SECRET: 'c' }, 'AZURE_TENANT_ID'],
      [{ AZURE_TENANT_ID: 'b', AZURE_CLIENT_SECRET: '' }, 'AZURE_CLIENT_SECRET (or AZURE_CLIENT_CERTIFICATE_PATH)'],
    ] as const) {
      const { code, said } = await enroll({ ...env, ...more }, 'forget', 'gw-1', '--yes');
      assert.equal(
        said,
        `The service principal of AZURE_CLIENT_ID is not whole, as this is missing: ${missing}. -> To log in as the user of \`az login\`, unset AZURE_CLIENT_ID.`,
      );
      assert.equal(code, 2);
    }
  });

  const failures = [
    [
      'not logged in',
      'echo "ERROR: Please run \'az login\' to setup account." >&2; exit 1',
      {},
      /Please run 'az login'/,
    ],
    ['without az', "echo 'sh: 1: az: not found' >&2; exit 127", {}, /Azure CLI could not be found\. .*'az login'\.$/],
    [
      'another factor is asked for',
      "printf 'ERROR: AADSTS50076: use multi-factor.\\nRun:\\naz login --scope https://x/.default\\n' >&2; exit 1",
      {},
      /AADSTS50076: use multi-factor\. Run: az login --scope https:\/\/x\/\.default$/,
    ],
    [
      'no such way',
      'exit 1',
      { AZURE_TOKEN_CREDENTIALS: 'Magic' },
      /Invalid value for AZURE_TOKEN_CREDENTIALS = Magic/,
    ],
  ] as const;
  for (const [name, az, more, told] of failures) {
    test(`${name}: one sentence`, async (t) => {
      const { env } = desk(scratch(t), az, more);
      for (const line of [
        ['show', 'group', 'gateways'],
        ['reprovision', 'gw-1'],
        ['forget', 'gw-1', '--yes'],
      ]) {
        const { code, said } = await enroll(env, ...line);
        assert.match(said, told);
        assert.match(said, /^The login to Entra ID failed: (?!.*The login)/);
        assert.equal(code, 1, said);
      }
    });
  }

  test('with a connection string nobody logs in', async (t) => {
    const { env, calls } = desk(scratch(t), loggedIn());
    const { code } = await enroll(env, 'show', 'group', 'gateways', '--dps', simulator.endpoints.dpsService);
    assert.deepEqual([code, calls()], [0, ['']]);
  });
});

describe('one token for all calls', () => {
  test('is asked for once at a time, again before its end, and again after a failure', async () => {
    let [now, asked] = [0, 0];
    const credential = shared(
      {
        async getToken() {
          asked += 1;
          if (asked === 2) throw new Error('away');
          return { token: `t${asked}`, expiresOnTimestamp: now + HOUR };
        },
      },
      () => now,
    );
    const take = async (): Promise<string | undefined> => (await credential.getToken('scope'))?.token;
    assert.deepEqual(await Promise.all([take(), take(), take()]), ['t1', 't1', 't1']);
    now += HOUR - 9 * 60_000;
    await assert.rejects(take(), /^Failed: The login to Entra ID failed: away$/);
    assert.deepEqual(await Promise.all([take(), take()]), ['t3', 't3']);
  });
});
