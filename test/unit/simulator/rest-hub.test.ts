import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { bodyOf, type ClientName, Official, type OfficialAnswer, refusalOf } from './official.ts';

const THUMBPRINT = 'AB'.repeat(32);

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

type Body = Readonly<Record<string, unknown>> & { readonly etag: string };
const ask =
  (client: ClientName, connection = () => simulator.endpoints.hub1Service) =>
  (method: string, ...args: unknown[]): Promise<OfficialAnswer> =>
    official.call({ client, connection: connection(), method, args });
const [registry, methods, jobs] = [ask('registry'), ask('client'), ask('jobs')];
const [foreign, reader] = [/SharedAccessKey=..../, /SharedAccessKeyName=..../].map((part) =>
  ask('registry', () => simulator.endpoints.hub1Service.replace(part, (found) => `${found.slice(0, -4)}AAAA`)),
);
const described = (deviceId: string, more: object = {}) => ({
  deviceId,
  authentication: { x509Thumbprint: { primaryThumbprint: THUMBPRINT, secondaryThumbprint: THUMBPRINT } },
  ...more,
});
const put = (deviceId: string) => simulator.writeDevice('hub1', deviceId, THUMBPRINT);
const call = (more: object = {}) => methods('invokeDeviceMethod', 'gw-1', { methodName: 'echo', ...more });

type Row = readonly [what: string, ask: () => Promise<OfficialAnswer>, error: string, status: number, code?: number];
const withDevice = (act: () => Promise<OfficialAnswer>) => async () => {
  await put('gw-1');
  return act();
};
const query = (sql: string) => () => registry('createQuery', sql);
const rows: readonly Row[] = [
  ['a wrong signature', () => foreign?.('list') ?? assert.fail(), 'UnauthorizedError', 401, 401003],
  ['no such policy', () => reader?.('list') ?? assert.fail(), 'UnauthorizedError', 401, 401003],
  ['a name that no device may have', () => registry('create', described('invalid/name')), 'ArgumentError', 400],
  ['read what is not there', () => registry('get', 'gw-1'), 'DeviceNotFoundError', 404],
  ['update what is not there', () => registry('update', described('gw-1')), 'DeviceNotFoundError', 404],
  ['delete what is not there', () => registry('delete', 'gw-1'), 'DeviceNotFoundError', 404],
  ['a twin that is not there', () => registry('getTwin', 'gw-1'), 'DeviceNotFoundError', 404],
  ['create what is there', withDevice(() => registry('create', described('gw-1'))), 'DeviceAlreadyExistsError', 409],
  [
    'patch a twin under an old etag',
    withDevice(() => registry('updateTwin', 'gw-1', { tags: {} }, 'old')),
    'InvalidEtagError',
    412,
    412001,
  ],
  ['call a device that is not connected', withDevice(call), 'Error', 404],
  ['call one that is not there', call, 'DeviceNotFoundError', 404],
  [
    'call with a timeout that is too short',
    withDevice(() => call({ responseTimeoutInSeconds: 1 })),
    'ArgumentError',
    400,
  ],
  ['a query that is none', query('SELECT * FROM devices WHERE deviceId LIKE 3'), 'ArgumentError', 400],
  ['a source that is none', query('SELECT * FROM elsewhere'), 'ArgumentError', 400],
  ['a query of 8 KB', query(`SELECT * FROM devices WHERE deviceId = '${'x'.repeat(8_192)}'`), 'ArgumentError', 400],
  [
    'a group by another column',
    query('SELECT deviceId AS id, COUNT() AS n FROM devices GROUP BY a'),
    'ArgumentError',
    400,
  ],
  ['a job that is not there', () => jobs('getJob', 'none'), 'Error', 404, 404002],
  [
    'a job with a condition that is none',
    () => jobs('scheduleDeviceMethod', 'bad', 'deviceId ==', { methodName: 'echo' }),
    'ArgumentError',
    400,
  ],
  [
    'a job that is there',
    async () => {
      await bodyOf(jobs('scheduleTwinUpdate', 'twice', "deviceId = 'nobody'", { tags: {} }));
      return jobs('scheduleTwinUpdate', 'twice', "deviceId = 'nobody'", { tags: {} });
    },
    'DeviceAlreadyExistsError',
    409,
  ],
  ['modules, which are not played', () => registry('getModulesOnDevice', 'gw-1'), 'Error', 404],
  [
    'more than the quota',
    async () => {
      await simulator.lay('hub1', 'rest-quota', { rate: 1, ms: 60_000 });
      await bodyOf(registry('list'));
      return registry('list').finally(() => simulator.lift('hub1', 'rest-quota'));
    },
    'ThrottlingError',
    429,
  ],
];
for (const [what, act, name, status, code] of rows) {
  test(`${what}: ${name} ${status}`, async () => {
    const since = simulator.log.entries.length;
    const [got, of, body] = await refusalOf(act());
    assert.deepEqual([got, of], [name, status]);
    assert.match(body, /^{"Message":"ErrorCode:\w+;.*","ExceptionMessage":"Tracking ID:/);
    if (code) await simulator.log.waitFor({ server: 'hub1', event: 'turned-down', code }, 60_000, since);
  });
}

test('a device: create, read, list, disable, delete; one by one or in bulk', async () => {
  const created = await bodyOf<Body>(registry('create', described('gw-1')));
  assert.deepEqual(created.authentication, {
    symmetricKey: { primaryKey: null, secondaryKey: null },
    x509Thumbprint: { primaryThumbprint: THUMBPRINT, secondaryThumbprint: THUMBPRINT },
    type: 'selfSigned',
  });
  assert.deepEqual(await bodyOf(registry('get', 'gw-1')), created);
  assert.deepEqual(await bodyOf(registry('list')), [created]);
  const disabled = await bodyOf<Body>(registry('update', { ...created, status: 'disabled' }));
  assert.equal(disabled.status, 'disabled');
  assert.notEqual(disabled.etag, created.etag);
  await bodyOf(registry('addDevices', [described('gw-2')]));
  const both = [described('gw-1', { etag: disabled.etag }), described('gw-2', { etag: 'old' })];
  const [, status, body] = await refusalOf(registry('updateDevices', both, false));
  assert.deepEqual([status, JSON.parse(body).errors.map((one: Body) => one.deviceId)], [400, ['gw-2']]);
  assert.equal((await simulator.device('gw-1'))?.status, 'enabled');
  await bodyOf(registry('removeDevices', both, true));
  assert.deepEqual(simulator.registries.hub1.list(), []);
});

test('a device is known by keys of the hub or its own, by a CA, or by 40 or 64 hex digits', async () => {
  const symmetricKey = { primaryKey: 'b25l', secondaryKey: 'dHdv' };
  const known = async (more: object) => {
    const made = await bodyOf<{ authentication: { type: string; symmetricKey: typeof symmetricKey } }>(
      registry('create', { deviceId: 'gw-1', ...more }),
    );
    await registry('delete', 'gw-1');
    return made.authentication;
  };
  const { type, symmetricKey: made } = await known({});
  assert.equal(type, 'sas');
  assert.notEqual(made.primaryKey, made.secondaryKey);
  assert.equal(Buffer.from(made.primaryKey, 'base64').length, 32);
  assert.deepEqual((await known({ authentication: { symmetricKey } })).symmetricKey, symmetricKey);
  assert.equal((await known({ authentication: { type: 'certificateAuthority' } })).type, 'certificateAuthority');
  const print = (primaryThumbprint: string) => ({ authentication: { x509Thumbprint: { primaryThumbprint } } });
  for (const right of ['A'.repeat(40), 'b'.repeat(64)]) assert.equal((await known(print(right))).type, 'selfSigned');
  for (const wrong of ['xyz', 'A'.repeat(41), 'G'.repeat(64)]) {
    assert.equal((await refusalOf(registry('create', { deviceId: 'gw-1', ...print(wrong) })))[1], 400);
  }
});

test('a twin is merged under its etag or any; null clears all, counts, and the device is told', async () => {
  await put('gw-1');
  const { etag } = await bodyOf<Body>(registry('getTwin', 'gw-1'));
  const patch = { tags: { site: 'north', old: null }, properties: { desired: { level: { low: 1 }, gone: 1 } } };
  const patched = await bodyOf<Body>(registry('updateTwin', 'gw-1', patch, etag));
  assert.notEqual(patched.etag, etag);
  assert.deepEqual(patched.tags, { site: 'north' });
  const reported = { $version: 1 };
  assert.deepEqual(patched.properties, { desired: { level: { low: 1 }, gone: 1, $version: 2 }, reported });
  const told = new Promise((resolve) => {
    simulator.registries.hub1.once('desired', (_, sent, version) => resolve([sent, version]));
  });
  const cleared = await bodyOf<Body>(
    registry('updateTwin', 'gw-1', { tags: null, properties: { desired: null } }, '*'),
  );
  assert.deepEqual([cleared.tags, cleared.properties], [{}, { desired: { $version: 3 }, reported }]);
  assert.deepEqual(await told, [{ level: null, gone: null }, 3]);
});
