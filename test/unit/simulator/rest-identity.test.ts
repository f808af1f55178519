import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { type ClientName, Official, type OfficialAnswer } from './official.ts';

let simulator: Simulator;
let official: Official;

before(async () => {
  simulator = await startSimulator();
  official = await Official.start(simulator.endpoints.trustPem);
});
after(async () => {
  await official.stop();
  await simulator.close();
});
beforeEach(() => {
  for (const { deviceId } of simulator.registries.hub1.list()) simulator.registries.hub1.remove(deviceId);
});

const ask =
  (client: ClientName, connection = () => simulator.endpoints.hub1Service) =>
  (method: string, ...args: unknown[]): Promise<OfficialAnswer> =>
    official.call({ client, connection: connection(), method, args });
const [registry, jobs] = [ask('registry'), ask('jobs')];
const foreign = ask('registry', () =>
  simulator.endpoints.hub1Service.replace(/SharedAccessKey=..../, 'SharedAccessKey=AAAA'),
);

interface Keys {
  readonly primaryKey: string | null;
  readonly secondaryKey: string | null;
}
interface Body {
  readonly [name: string]: unknown;
  readonly etag: string;
  readonly status: string;
  readonly authentication: { readonly type: string; readonly symmetricKey: Keys; readonly x509Thumbprint: object };
}
async function body(answer: Promise<OfficialAnswer>): Promise<Body> {
  const got = await answer;
  assert.ok('value' in got, JSON.stringify(got));
  return got.value as Body;
}
async function refused(answer: Promise<OfficialAnswer>): Promise<[status: number | undefined, body: string]> {
  const got = await answer;
  assert.ok('refused' in got, JSON.stringify(got));
  return [got.refused.status, got.refused.body ?? ''];
}

test('a device without authentication gets two keys of the hub', async () => {
  const { authentication } = await body(registry('create', { deviceId: 'gw-1' }));
  const { primaryKey, secondaryKey } = authentication.symmetricKey;
  assert.equal(authentication.type, 'sas');
  for (const key of [primaryKey, secondaryKey]) assert.equal(Buffer.from(key ?? '', 'base64').length, 32);
  assert.notEqual(primaryKey, secondaryKey);
  assert.deepEqual((await body(registry('get', 'gw-1'))).authentication, authentication);
});

test('both keys of a device are kept', async () => {
  const symmetricKey = { primaryKey: 'b25l', secondaryKey: 'dHdv' };
  const { authentication } = await body(registry('create', { deviceId: 'gw-1', authentication: { symmetricKey } }));
  assert.deepEqual(authentication.symmetricKey, symmetricKey);
});

test('authentication by a CA is read back as such', async () => {
  const authentication = { type: 'certificateAuthority' };
  const made = await body(registry('create', { deviceId: 'gw-1', authentication }));
  assert.equal(made.authentication.type, 'certificateAuthority');
  assert.deepEqual(made.authentication.symmetricKey, { primaryKey: null, secondaryKey: null });
});

describe('thumbprints', () => {
  const create = (primaryThumbprint: string) =>
    registry('create', { deviceId: 'gw-1', authentication: { x509Thumbprint: { primaryThumbprint } } });
  for (const thumbprint of ['A'.repeat(40), 'b'.repeat(64)]) {
    test(`${thumbprint.length} hex digits are one`, async () => {
      assert.equal((await body(create(thumbprint))).authentication.type, 'selfSigned');
    });
  }
  for (const thumbprint of ['xyz', 'A'.repeat(41), 'G'.repeat(64)]) {
    test(`"${thumbprint.slice(0, 6)}" of ${thumbprint.length} is none`, async () => {
      assert.equal((await refused(create(thumbprint)))[0], 400);
    });
  }
});

describe('the numbers of refusals', () => {
  const rows = [
    ['another etag', () => registry('updateTwin', 'gw-1', { tags: {} }, 'old'), 412, 'PreconditionFailed', 412001],
    ['a job that is not there', () => jobs('getJob', 'none'), 404, 'JobNotFound', 404002],
    ['a wrong signature', () => foreign('get', 'gw-1'), 401, 'IotHubUnauthorized', 401003],
  ] as const;
  for (const [what, act, status, word, code] of rows) {
    test(`${what}: ${code}`, async () => {
      await body(registry('create', { deviceId: 'gw-1' }));
      const since = simulator.log.entries.length;
      const [got, told] = await refused(act());
      assert.equal(got, status);
      assert.match(told, new RegExp(`^{"Message":"ErrorCode:${word};`));
      await simulator.log.waitFor({ server: 'hub1', event: 'turned-down', code }, 60_000, since);
    });
  }
});

describe('a twin', () => {
  const written = async (patch: object) => body(registry('updateTwin', 'gw-1', patch, '*'));
  beforeEach(async () => {
    await simulator.writeDevice('hub1', 'gw-1', 'AB'.repeat(32));
    await simulator.updateDesired('gw-1', { level: 1, site: { name: 'north' } });
    simulator.registries.hub1.patchTags('gw-1', { colour: 'red' });
  });

  test('`desired: null` clears all desired properties, counts, and tells the device', async () => {
    const told = new Promise((resolve) => {
      simulator.registries.hub1.once('desired', (_, patch, version) => resolve([patch, version]));
    });
    const { properties } = await written({ properties: { desired: null } });
    assert.deepEqual(properties, { desired: { $version: 3 }, reported: { $version: 1 } });
    assert.deepEqual(await told, [{ level: null, site: null }, 3]);
  });

  test('`tags: null` clears all tags', async () => {
    assert.deepEqual((await written({ tags: null })).tags, {});
  });

  test('a job may do the same', async () => {
    const { status } = await body(jobs('scheduleTwinUpdate', 'clears', '*', { properties: { desired: null } }));
    assert.equal(status, 'queued');
    await simulator.log.waitFor({ event: 'job', reason: 'clears completed' });
    assert.deepEqual((await simulator.twin('gw-1')).desired, {});
  });
});
