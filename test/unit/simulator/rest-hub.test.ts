import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import type device from 'azure-iot-device';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { openHub } from './device.ts';
import { type ClientName, Official, type OfficialAnswer } from './official.ts';

let simulator: Simulator;
let official: Official;
const open: device.Client[] = [];

before(async () => {
  simulator = await startSimulator();
  official = await Official.start(simulator.endpoints.trustPem);
});
after(async () => {
  await Promise.all(open.map((client) => client.close()));
  await official.stop();
  await simulator.close();
});
beforeEach(() => {
  for (const { deviceId } of simulator.registries.hub1.list()) simulator.registries.hub1.remove(deviceId);
});

const ask =
  (client: ClientName) =>
  (method: string, ...args: unknown[]): Promise<OfficialAnswer> =>
    official.call({ client, connection: simulator.endpoints.hub1Service, method, args });
const [registry, methods, jobs] = [ask('registry'), ask('client'), ask('jobs')];

type Body = Readonly<Record<string, unknown>> & { readonly etag: string };

async function body(answer: Promise<OfficialAnswer>): Promise<Body> {
  const got = await answer;
  assert.ok('value' in got, JSON.stringify(got));
  return got.value as Body;
}

async function refusal(answer: Promise<OfficialAnswer>): Promise<[string, number | undefined]> {
  const got = await answer;
  assert.ok('refused' in got, JSON.stringify(got));
  assert.match(got.refused.body ?? '', /^{"Message":"ErrorCode:\w+;.*","ExceptionMessage":"Tracking ID:/);
  return [got.refused.name, got.refused.status];
}

const THUMBPRINT = 'AB'.repeat(32);
const described = (deviceId: string, more: object = {}) => ({
  deviceId,
  authentication: { x509Thumbprint: { primaryThumbprint: THUMBPRINT, secondaryThumbprint: THUMBPRINT } },
  ...more,
});
const put = (deviceId: string) => simulator.writeDevice('hub1', deviceId, THUMBPRINT);

/** A device of the official SDK that answers the method `echo` with what it was sent, once that resolves. */
async function connect(deviceId: string, isTime: Promise<unknown> = Promise.resolve()): Promise<device.Client> {
  const leaf = await simulator.clientIdentity(deviceId);
  await simulator.writeDevice('hub1', deviceId, leaf.thumbprint);
  const client = await openHub(simulator.endpoints, simulator.endpoints.hub1, deviceId, leaf);
  await isTime;
  client.onDeviceMethod('echo', (request, response) => void response.send(200, request.payload));
  await simulator.log.waitFor({ event: 'subscribed', clientId: deviceId, reason: '$iothub/methods/POST/#' });
  open.push(client);
  return client;
}

test('a device: create, read, list, disable, delete', async () => {
  const created = await body(registry('create', described('gw-1')));
  assert.deepEqual(created.authentication, {
    symmetricKey: { primaryKey: null, secondaryKey: null },
    x509Thumbprint: { primaryThumbprint: THUMBPRINT, secondaryThumbprint: THUMBPRINT },
    type: 'selfSigned',
  });
  assert.deepEqual(await body(registry('get', 'gw-1')), created);
  assert.deepEqual(await body(registry('list')), [created]);
  const disabled = await body(registry('update', { ...created, status: 'disabled' }));
  assert.equal(disabled.status, 'disabled');
  assert.notEqual(disabled.etag, created.etag);
  assert.equal((await simulator.device('gw-1'))?.status, 'disabled');
  await registry('delete', 'gw-1');
  assert.equal(await simulator.device('gw-1'), null);
});

describe('what is refused, and how', () => {
  type Row = readonly [what: string, ask: () => Promise<OfficialAnswer>, refused: readonly [string, number]];
  const rows: readonly Row[] = [
    ['a name that no device may have', () => registry('create', described('invalid/name')), ['ArgumentError', 400]],
    ['read what is not there', () => registry('get', 'gw-1'), ['DeviceNotFoundError', 404]],
    ['update what is not there', () => registry('update', described('gw-1')), ['DeviceNotFoundError', 404]],
    ['delete what is not there', () => registry('delete', 'gw-1'), ['DeviceNotFoundError', 404]],
    ['a twin that is not there', () => registry('getTwin', 'gw-1'), ['DeviceNotFoundError', 404]],
    [
      'create what is there',
      async () => {
        await put('gw-1');
        return registry('create', described('gw-1'));
      },
      ['DeviceAlreadyExistsError', 409],
    ],
    [
      'patch a twin under an old etag',
      async () => {
        await put('gw-1');
        return registry('updateTwin', 'gw-1', { tags: { site: 'north' } }, 'old');
      },
      ['InvalidEtagError', 412],
    ],
    [
      'call a device that is not connected',
      async () => {
        await put('gw-1');
        return methods('invokeDeviceMethod', 'gw-1', { methodName: 'echo' });
      },
      ['Error', 404],
    ],
    [
      'call one that is not there',
      () => methods('invokeDeviceMethod', 'gw-1', { methodName: 'echo' }),
      ['DeviceNotFoundError', 404],
    ],
    [
      'call with a timeout that is too short',
      async () => {
        await put('gw-1');
        return methods('invokeDeviceMethod', 'gw-1', { methodName: 'echo', responseTimeoutInSeconds: 1 });
      },
      ['ArgumentError', 400],
    ],
    [
      'a query that is none',
      () => registry('createQuery', 'SELECT * FROM devices WHERE deviceId LIKE 3'),
      ['ArgumentError', 400],
    ],
    ['a source that is none', () => registry('createQuery', 'SELECT * FROM elsewhere'), ['ArgumentError', 400]],
    ['a job that is not there', () => jobs('getJob', 'none'), ['Error', 404]],
    [
      'a job with a condition that is none',
      () => jobs('scheduleDeviceMethod', 'bad', 'deviceId ==', { methodName: 'echo' }),
      ['ArgumentError', 400],
    ],
    [
      'a job that is there',
      async () => {
        await body(jobs('scheduleTwinUpdate', 'twice', "deviceId = 'nobody'", { tags: {} }));
        return jobs('scheduleTwinUpdate', 'twice', "deviceId = 'nobody'", { tags: {} });
      },
      ['DeviceAlreadyExistsError', 409],
    ],
    ['modules, which are not played', () => registry('getModulesOnDevice', 'gw-1'), ['Error', 404]],
    [
      'whatever, when it is away',
      async () => {
        await simulator.lay('hub1', 'rest-status', { times: 1 });
        return registry('list');
      },
      ['ServiceUnavailableError', 503],
    ],
  ];
  for (const [what, act, expected] of rows) test(what, async () => assert.deepEqual(await refusal(act()), expected));
});

test('in bulk: created, updated under the right and the wrong etag, deleted', async () => {
  assert.equal((await body(registry('addDevices', [described('gw-1'), described('gw-2')]))).isSuccessful, true);
  const { etag } = await body(registry('get', 'gw-1'));
  const [one, two] = [described('gw-1', { etag, status: 'disabled' }), described('gw-2', { etag: 'old' })];
  assert.deepEqual(await refusalOfBulk(registry('updateDevices', [one, two], false)), ['gw-2']);
  assert.equal((await simulator.device('gw-1'))?.status, 'disabled');
  assert.equal((await body(registry('removeDevices', [one, two], true))).isSuccessful, true);
  assert.deepEqual(simulator.registries.hub1.list(), []);
});

/** Who was refused; the whole answer is a 400 then. */
async function refusalOfBulk(answer: Promise<OfficialAnswer>): Promise<string[]> {
  const got = await answer;
  assert.ok('refused' in got && got.refused.status === 400);
  return JSON.parse(got.refused.body ?? '').errors.map(({ deviceId }: { readonly deviceId: string }) => deviceId);
}

test('a twin: tags and desired properties, under its etag or any', async () => {
  await put('gw-1');
  const { etag } = await body(registry('getTwin', 'gw-1'));
  const patch = { tags: { site: 'north', old: null }, properties: { desired: { level: { low: 1 } } } };
  const patched = await body(registry('updateTwin', 'gw-1', patch, etag));
  assert.notEqual(patched.etag, etag);
  assert.deepEqual(patched.tags, { site: 'north' });
  assert.deepEqual(patched.properties, { desired: { level: { low: 1 }, $version: 2 }, reported: { $version: 1 } });
  await body(registry('updateTwin', 'gw-1', { properties: { desired: { level: null } } }, '*'));
  assert.deepEqual((await simulator.twin('gw-1')).desired, {});
});

test('a query: columns, conditions, pages', async () => {
  for (const id of ['gw-1', 'gw-2', 'gw-3']) await put(id);
  await body(registry('updateTwin', 'gw-2', { tags: { site: 'north' } }, '*'));
  const rows = (sql: string, size?: number) => body(registry('createQuery', sql, size));
  assert.deepEqual(await rows('SELECT deviceId, status FROM devices', 2), [
    [
      { deviceId: 'gw-1', status: 'enabled' },
      { deviceId: 'gw-2', status: 'enabled' },
    ],
    [{ deviceId: 'gw-3', status: 'enabled' }],
  ]);
  assert.deepEqual(await rows("select deviceId from devices where tags.site = 'north'"), [[{ deviceId: 'gw-2' }]]);
});

test('a direct method, and one that waits for the device to come', async () => {
  await put('gw-2');
  await connect('gw-1');
  const call = (deviceId: string, more: object = {}) =>
    body(methods('invokeDeviceMethod', deviceId, { methodName: 'echo', payload: { n: 1 }, ...more }));
  assert.deepEqual(await call('gw-1'), { status: 200, payload: { n: 1 } });
  const coming = connect('gw-2', simulator.log.waitFor({ event: 'awaited', clientId: 'gw-2' }));
  await simulator.log.waitFor({ event: 'connected', clientId: 'gw-2' });
  const waiting = call('gw-2', { connectTimeoutInSeconds: 10 });
  await coming;
  assert.deepEqual(await waiting, { status: 200, payload: { n: 1 } });
  assert.equal((await body(registry('get', 'gw-2'))).connectionState, 'Connected');
});

test('disabling a device ends its session', async () => {
  await connect('gw-1');
  const device = await body(registry('get', 'gw-1'));
  await registry('update', { ...device, status: 'disabled' });
  await simulator.log.waitFor({ event: 'disconnected', clientId: 'gw-1', reason: 'device disabled' });
});

/** The job when it has ended. */
async function ended(jobId: string): Promise<Body> {
  for (;;) {
    const job = await body(jobs('getJob', jobId));
    if (['completed', 'cancelled'].includes(String(job.status))) return job;
  }
}
const rowsOf = async (jobId: string): Promise<Body[]> => {
  const pages = await body(registry('createQuery', `SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${jobId}'`));
  return (pages as unknown as Body[][]).flat();
};

test('a job calls a method on whoever is connected, and says who is not', async () => {
  await put('gw-9');
  await Promise.all([connect('gw-1'), connect('gw-2')]);
  await body(jobs('scheduleDeviceMethod', 'calls', "deviceId != 'gw-2'", { methodName: 'echo', payload: { n: 1 } }));
  const { deviceJobStatistics, type, queryCondition } = await ended('calls');
  assert.deepEqual([type, queryCondition], ['scheduleDeviceMethod', "deviceId != 'gw-2'"]);
  assert.deepEqual(deviceJobStatistics, {
    deviceCount: 2,
    failedCount: 1,
    succeededCount: 1,
    runningCount: 0,
    pendingCount: 0,
  });
  const rows = (await rowsOf('calls')).map(({ deviceId, status, outcome, error }) => ({
    deviceId,
    status,
    outcome,
    error,
  }));
  assert.deepEqual(rows, [
    {
      deviceId: 'gw-9',
      status: 'failed',
      outcome: undefined,
      error: { code: '404103', description: '404103 DeviceNotOnline: gw-9' },
    },
    {
      deviceId: 'gw-1',
      status: 'completed',
      outcome: { deviceMethodResponse: { status: 200, payload: { n: 1 } } },
      error: undefined,
    },
  ]);
});

test('a job updates twins, and is found by type and status', async () => {
  await put('gw-1');
  await body(
    jobs('scheduleTwinUpdate', 'twins', '*', { tags: { site: 'east' }, properties: { desired: { level: 2 } } }),
  );
  await ended('twins');
  const { tags, desired } = await simulator.twin('gw-1');
  assert.deepEqual([tags, desired], [{ site: 'east' }, { level: 2 }]);
  const found = (await body(jobs('createQuery', 'scheduleUpdateTwin', 'completed'))) as unknown as Body[][];
  assert.ok(found.flat().some(({ jobId }) => jobId === 'twins'));
});

test('a job that is cancelled before its time touches nobody', async () => {
  await put('gw-1');
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
  simulator.registries.hub1.patchTags('gw-1', { site: 'west' });
  await body(jobs('scheduleTwinUpdate', 'late', '*', { tags: { site: 'none' } }, { $date: tomorrow }));
  assert.equal((await body(jobs('getJob', 'late'))).status, 'scheduled');
  assert.equal((await body(jobs('cancelJob', 'late'))).status, 'cancelled');
  assert.deepEqual((await simulator.twin('gw-1')).tags, { site: 'west' });
});
