import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { bodyOf, type ClientName, Official, type OfficialAnswer, refusalOf } from '../../clients/official.ts';
import { condition } from '../../simulator/rest/condition.ts';
import { staged } from './stage.ts';

const THUMBPRINT = 'AB'.repeat(32);

const { simulator } = await staged();
const official = await Official.start(simulator.endpoints.trustPem);
after(() => official.stop());
beforeEach(() => {
  const { enrollments, registries } = simulator;
  for (const id of [...enrollments.individuals.keys(), ...enrollments.groups.keys()]) enrollments.remove(id);
  for (const { deviceId } of registries.hub1.list()) registries.hub1.remove(deviceId);
});

interface Body {
  readonly etag: string;
  readonly [name: string]: unknown;
}
type Ask = () => Promise<OfficialAnswer>;
const asking =
  (client: ClientName, change = (connection: string) => connection) =>
  (method: string, ...args: unknown[]): Promise<OfficialAnswer> => {
    const { dpsService, hub1Service } = simulator.endpoints;
    return official.call({ client, connection: change(client === 'dps' ? dpsService : hub1Service), method, args });
  };
const [dps, registry, methods, jobs] = [asking('dps'), asking('registry'), asking('client'), asking('jobs')];
const otherKey = (text: string) => text.replace(/SharedAccessKey=..../, 'SharedAccessKey=AAAA');

const x509 = (kind: string, pair: object) => ({ attestation: { type: 'x509', x509: { [kind]: pair } } });
const individual = (registrationId: string, primary: object) => ({
  registrationId,
  provisioningStatus: 'enabled',
  ...x509('clientCertificates', { primary }),
});
const leaf = async () => ({ certificate: (await simulator.clientIdentity('gw-1')).cert });
const create = (enrollment: object) => dps('createOrUpdateIndividualEnrollment', enrollment);

/** What the tool of the operator never does, so its tests would not miss the refusal. */
const ofDps: readonly (readonly [what: string, Ask, name: string, code: number])[] = [
  ['a wrong signature', () => asking('dps', otherKey)('getEnrollmentGroup', 'g'), 'UnauthorizedError', 401000],
  [
    'write under an old etag',
    async () => {
      const first = await bodyOf<Body>(create(individual('gw-1', await leaf())));
      await bodyOf(create({ ...first, provisioningStatus: 'disabled' }));
      return create(first);
    },
    'InvalidEtagError',
    412201,
  ],
  [
    'delete under an old etag',
    async () => {
      await bodyOf(create(individual('gw-1', await leaf())));
      return dps('deleteIndividualEnrollment', 'gw-1', 'IjEi');
    },
    'InvalidEtagError',
    412201,
  ],
  [
    'a certificate that another enrollment holds',
    async () => {
      const held = await leaf();
      await bodyOf(create(individual('gw-1', held)));
      return create(individual('gw-2', held));
    },
    'DeviceAlreadyExistsError',
    409202,
  ],
  [
    'no certificate',
    () => create({ registrationId: 'gw-1', ...x509('clientCertificates', {}) }),
    'ArgumentError',
    400004,
  ],
  ['garbage', () => create(individual('gw-1', { certificate: 'AAAA' })), 'ArgumentError', 400004],
  ['another info', () => create(individual('gw-1', { info: { sha256Thumbprint: 'A' } })), 'ArgumentError', 400004],
];
for (const [what, ask, name, code] of ofDps) {
  test(`DPS: ${what}: ${code}`, async () => {
    const [got, status, body] = await refusalOf(ask());
    const told = JSON.parse(body);
    assert.deepEqual(Object.keys(told), ['errorCode', 'trackingId', 'message', 'timestampUtc']);
    assert.deepEqual([got, status, told.errorCode], [name, Math.trunc(code / 1_000), code]);
  });
}

const device = (deviceId: string, primaryThumbprint = THUMBPRINT) => ({
  deviceId,
  authentication: { x509Thumbprint: { primaryThumbprint } },
});
const withDevice = (act: Ask) => async () => {
  await simulator.writeDevice('hub1', 'gw-1', THUMBPRINT);
  return act();
};
const call = (more: object = {}) => methods('invokeDeviceMethod', 'gw-1', { methodName: 'echo', ...more });
const query = (sql: string) => () => registry('createQuery', sql);
const NO_QUERY = [
  ...['deviceId LIKE 3', 'deviceId =', "= 'a'", "deviceId = 'a' 'b'", '(deviceId = 1', "deviceId IN ['a'", 'a ~ b'],
  ...["deviceId = 'a", 'startswith(deviceId)'],
];
const LATE = { responseTimeoutInSeconds: 1 };

const ofHub: readonly (readonly [what: string, Ask, name: string, status: number, code?: number])[] = [
  ['a wrong signature', () => asking('jobs', otherKey)('getJob', 'none'), 'UnauthorizedError', 401, 401003],
  ['a name that no device may have', () => registry('create', device('invalid/name')), 'ArgumentError', 400],
  ['a thumbprint of 41 digits', () => registry('create', device('gw-1', 'A'.repeat(41))), 'ArgumentError', 400],
  ['a thumbprint of other digits', () => registry('create', device('gw-1', 'G'.repeat(64))), 'ArgumentError', 400],
  ['create what is there', withDevice(() => registry('create', device('gw-1'))), 'DeviceAlreadyExistsError', 409],
  ['an old etag', withDevice(() => registry('updateTwin', 'gw-1', {}, 'old')), 'InvalidEtagError', 412, 412001],
  ['call a device that is not connected', withDevice(call), 'Error', 404],
  ['call with a timeout that is too short', withDevice(() => call(LATE)), 'ArgumentError', 400],
  ['a query of 8 KB', query(`SELECT * FROM devices WHERE deviceId = '${'x'.repeat(8_192)}'`), 'ArgumentError', 400],
  ['a group by another column', query('SELECT a AS b, COUNT() AS n FROM devices GROUP BY c'), 'ArgumentError', 400],
  ['a job that is not there', () => jobs('getJob', 'none'), 'Error', 404, 404002],
  [
    'a job that is there',
    async () => {
      await bodyOf(jobs('scheduleTwinUpdate', 'twice', "deviceId = 'nobody'", { tags: {} }));
      return jobs('scheduleTwinUpdate', 'twice', "deviceId = 'nobody'", { tags: {} });
    },
    'DeviceAlreadyExistsError',
    409,
  ],
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
for (const [what, ask, name, status, code] of ofHub) {
  test(`a hub: ${what}: ${name} ${status}`, async () => {
    const since = simulator.log.entries.length;
    const [got, of, body] = await refusalOf(ask());
    assert.deepEqual([got, of], [name, status]);
    assert.match(body, /^{"Message":"ErrorCode:\w+;.*","ExceptionMessage":"Tracking ID:/);
    if (code) await simulator.log.waitFor({ server: 'hub1', event: 'turned-down', code }, 60_000, since);
  });
}

test('a condition that a hub does not understand is refused', () => {
  for (const text of NO_QUERY) assert.throws(() => condition(text), { name: 'RestRefusal', status: 400 }, text);
});

test('devices in bulk, under the right and the wrong etag, and how each is known', async () => {
  const own = { symmetricKey: { primaryKey: 'b25l', secondaryKey: 'dHdv' } };
  const authentications = [undefined, own, { type: 'certificateAuthority' }];
  const many = authentications.map((authentication, at) => ({ deviceId: `gw-${at}`, authentication }));
  await bodyOf(registry('addDevices', [...many, device('gw-3', 'b'.repeat(40))]));
  const types: unknown[] = [];
  for (const { deviceId } of simulator.registries.hub1.list()) {
    const { authentication } = await bodyOf<{ authentication: { type: string } }>(registry('get', deviceId));
    types.push(authentication.type);
  }
  assert.deepEqual(types, ['sas', 'sas', 'certificateAuthority', 'selfSigned']);
  const { etag } = await bodyOf<Body>(registry('get', 'gw-0'));
  const two = [
    { ...device('gw-0'), etag },
    { ...device('gw-1'), etag: 'old' },
  ];
  const [, status, body] = await refusalOf(registry('updateDevices', two, false));
  assert.deepEqual([status, JSON.parse(body).errors.map((one: Body) => one.deviceId)], [400, ['gw-1']]);
});

test('a twin: null in place of its desired properties or tags clears them, counts, and the device is told', async () => {
  await simulator.writeDevice('hub1', 'gw-1', THUMBPRINT);
  const { hub1 } = simulator.registries;
  hub1.patchDesired('gw-1', { level: { low: 1 }, gone: 1 });
  const told = new Promise((resolve) => hub1.once('desired', (_, sent, version) => resolve([sent, version])));
  const nothing = { tags: null, properties: { desired: null } };
  const { tags, properties } = await bodyOf<Body>(registry('updateTwin', 'gw-1', nothing, '*'));
  assert.deepEqual([tags, properties], [{}, { desired: { $version: 3 }, reported: { $version: 1 } }]);
  assert.deepEqual(await told, [{ level: null, gone: null }, 3]);
});
