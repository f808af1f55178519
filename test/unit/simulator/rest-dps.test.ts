import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Authority } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { register } from './device.ts';
import { bodyOf, Official, type OfficialAnswer, refusalOf } from './official.ts';

const other = await Authority.create('another CA', 0);
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
  const { individuals, groups } = simulator.enrollments;
  for (const id of [...individuals.keys(), ...groups.keys()]) simulator.enrollments.remove(id);
});

type Shown = Readonly<
  Record<'primary' | 'secondary', { readonly info: Readonly<Record<string, unknown>> } | undefined>
>;
interface Body {
  readonly etag: string;
  readonly attestation: { readonly x509: Readonly<Record<string, Shown>> };
  readonly [name: string]: unknown;
}

const dps = (method: string, ...args: unknown[]): Promise<OfficialAnswer> =>
  official.call({ client: 'dps', connection: simulator.endpoints.dpsService, method, args });
const stranger = (method: string, ...args: unknown[]): Promise<OfficialAnswer> => {
  const connection = simulator.endpoints.dpsService.replace(/SharedAccessKey=..../, 'SharedAccessKey=AAAA');
  return official.call({ client: 'dps', connection, method, args });
};
const x509 = (kind: string, pair: object) => ({ attestation: { type: 'x509', x509: { [kind]: pair } } });
const individual = (registrationId: string, primary: object) => ({
  registrationId,
  provisioningStatus: 'enabled',
  ...x509('clientCertificates', { primary }),
});
const group = (pair: object, kind = 'signingCertificates') => ({ enrollmentGroupId: 'g', ...x509(kind, pair) });
const leafOf = async (cn: string) => ({ certificate: (await simulator.clientIdentity(cn)).cert });
const create = (enrollment: object) => dps('createOrUpdateIndividualEnrollment', enrollment);
const createGroup = (enrollment: object) => dps('createOrUpdateEnrollmentGroup', enrollment);
const enrolled = async () => bodyOf<Body>(create(individual('gw-1', await leafOf('gw-1'))));

type Row = readonly [what: string, ask: () => Promise<OfficialAnswer>, refused: readonly [string, number, number]];
const rows: readonly Row[] = [
  ['a wrong signature', () => stranger('getEnrollmentGroup', 'g'), ['UnauthorizedError', 401, 401000]],
  ['read what is not there', () => dps('getIndividualEnrollment', 'gw-9'), ['Error', 404, 404201]],
  ['read a group that is not there', () => dps('getEnrollmentGroup', 'g'), ['Error', 404, 404201]],
  ['delete what is not there', () => dps('deleteIndividualEnrollment', 'gw-9'), ['Error', 404, 404201]],
  ['a registration that is not there', () => dps('getDeviceRegistrationState', 'gw-9'), ['Error', 404, 404202]],
  ['delete such a one', () => dps('deleteDeviceRegistrationState', 'gw-9'), ['Error', 404, 404202]],
  [
    'create what is there',
    async () => {
      await enrolled();
      return create(individual('gw-1', await leafOf('gw-1')));
    },
    ['DeviceAlreadyExistsError', 409, 409201],
  ],
  [
    'write under an old etag',
    async () => {
      const first = await enrolled();
      await bodyOf(create({ ...first, provisioningStatus: 'disabled' }));
      return create(first);
    },
    ['InvalidEtagError', 412, 412201],
  ],
  [
    'delete under an old etag',
    async () => {
      await enrolled();
      return dps('deleteIndividualEnrollment', 'gw-1', 'IjEi');
    },
    ['InvalidEtagError', 412, 412201],
  ],
  [
    'update what is not there',
    async () => create({ ...individual('gw-1', await leafOf('gw-1')), etag: 'IjEi' }),
    ['Error', 404, 404201],
  ],
  [
    'no certificate at all',
    () => create({ registrationId: 'gw-1', ...x509('clientCertificates', {}) }),
    ['ArgumentError', 400, 400004],
  ],
  ['garbage', () => create(individual('gw-1', { certificate: 'AAAA' })), ['ArgumentError', 400, 400004]],
  [
    'info of another certificate',
    () => create(individual('gw-1', { info: { sha256Thumbprint: 'AB' } })),
    ['ArgumentError', 400, 400004],
  ],
  [
    'a certificate that another enrollment holds',
    async () => {
      const leaf = await leafOf('gw-1');
      await bodyOf(create(individual('gw-1', leaf)));
      return create(individual('gw-2', leaf));
    },
    ['DeviceAlreadyExistsError', 409, 409202],
  ],
  ['no such CA', () => createGroup(group({ primary: 'none' }, 'caReferences')), ['ArgumentError', 400, 400004]],
  [
    'a CA that is not verified',
    async () => {
      await simulator.uploadCa('unproven', other.rootPem);
      return createGroup(group({ primary: 'unproven' }, 'caReferences'));
    },
    ['ArgumentError', 400, 400004],
  ],
  [
    'a query that is none',
    () => dps('createIndividualEnrollmentQuery', { query: 'DROP TABLE enrollments' }),
    ['ArgumentError', 400, 400004],
  ],
];
for (const [what, ask, expected] of rows) {
  test(`${what}: ${expected[2]}`, async () => {
    const [name, status, body] = await refusalOf(ask());
    const told = JSON.parse(body);
    assert.deepEqual(Object.keys(told), ['errorCode', 'trackingId', 'message', 'timestampUtc']);
    assert.deepEqual([name, status, told.errorCode], expected);
  });
}

test('an enrollment: what is read back tells of the certificate, PEM or base64, and does not hold it', async () => {
  const { cert, thumbprint } = await simulator.clientIdentity('gw-1');
  const [, base64 = ''] = /-----BEGIN CERTIFICATE-----([^-]+)/.exec(cert) ?? [];
  const more = {
    initialTwin: { tags: { site: 'north' }, properties: { desired: { level: 3 } } },
    deviceId: 'truck',
    optionalDeviceInformation: { colour: 'red' },
    provisioningStatus: 'enabled',
    reprovisionPolicy: { updateHubAssignment: true, migrateDeviceData: true },
  };
  const enrollment = individual('gw-1', { certificate: base64.replaceAll('\n', '') });
  const written = await bodyOf<Body>(create({ ...enrollment, ...more }));
  assert.deepEqual(await bodyOf(dps('getIndividualEnrollment', 'gw-1')), written);
  assert.equal(written.attestation.x509.clientCertificates?.primary?.info.sha256Thumbprint, thumbprint);
  for (const [name, value] of Object.entries(more)) assert.deepEqual(written[name], value, name);
  assert.ok(!JSON.stringify(written).includes(base64.slice(1, 60)));
});

test('a group under its etag, the hub that it names, the record of a member, and their ends', async () => {
  await simulator.trustCa(simulator.endpoints.estCaPem);
  const [first, iotHubs] = [
    await bodyOf<Body>(createGroup(group({ primary: { certificate: other.rootPem } }))),
    [simulator.endpoints.hub2],
  ];
  const issuer = group({ primary: { certificate: simulator.endpoints.issuerPem } });
  const initialTwin = { tags: { site: 'south' }, properties: { desired: {} } };
  const second = await bodyOf<Body>(createGroup({ ...issuer, iotHubs, initialTwin, etag: first.etag }));
  assert.notEqual(second.etag, first.etag);
  await register(simulator.endpoints, 'gw-1', await simulator.clientIdentity('gw-1'));
  assert.deepEqual((await simulator.twin('gw-1')).tags, { site: 'south' });
  const state = await bodyOf<Body>(dps('getDeviceRegistrationState', 'gw-1'));
  assert.deepEqual([state.status, state.substatus, state.assignedHub], ['assigned', 'initialAssignment', ...iotHubs]);
  const query = { query: 'SELECT * FROM registrations' };
  assert.deepEqual(await bodyOf(dps('createEnrollmentGroupDeviceRegistrationStateQuery', query, 'g')), [[state]]);
  await bodyOf(dps('deleteDeviceRegistrationState', 'gw-1', state.etag));
  await bodyOf(dps('deleteEnrollmentGroup', 'g', second.etag));
  for (const ask of [dps('getDeviceRegistrationState', 'gw-1'), dps('getEnrollmentGroup', 'g')]) {
    assert.equal((await refusalOf(ask))[1], 404);
  }
});

test('a group that refers to a verified CA admits its leaves; a CA that is removed admits nobody', async () => {
  const code = await simulator.uploadCa('root', simulator.endpoints.estCaPem);
  await assert.rejects(simulator.verifyCa('root', await simulator.proveCa('WRONG', 'root')), /has the CN WRONG/);
  await assert.rejects(simulator.verifyCa('root', await simulator.proveCa(code, 'intermediate')), /not signed by it/);
  await simulator.verifyCa('root', await simulator.proveCa(code, 'root'));
  const written = await bodyOf<Body>(createGroup(group({ primary: 'root' }, 'caReferences')));
  assert.deepEqual(written.attestation.x509, { caReferences: { primary: 'root' } });
  // The intermediate is sent along, and the root is found above it.
  await register(simulator.endpoints, 'gw-2', await simulator.clientIdentity('gw-2'));
  await simulator.removeCa('root');
  await assert.rejects(register(simulator.endpoints, 'gw-2', await simulator.clientIdentity('gw-2')), {
    name: 'UnauthorizedError',
  });
});
