import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { Authority } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { register } from './device.ts';
import { Official, type OfficialAnswer } from './official.ts';

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
  for (const id of [...simulator.enrollments.individuals.keys(), ...simulator.enrollments.groups.keys()]) {
    simulator.enrollments.remove(id);
  }
  return simulator.set({ infoAlone: 'keeps-its-place' });
});

const dps = (method: string, ...args: unknown[]): Promise<OfficialAnswer> =>
  official.call({ client: 'dps', connection: simulator.endpoints.dpsService, method, args });

/** The body, or a failed test. */
async function body(answer: Promise<OfficialAnswer>): Promise<Body> {
  const got = await answer;
  assert.ok('value' in got, JSON.stringify(got));
  return got.value as Body;
}
interface Body {
  readonly etag: string;
  readonly attestation: { readonly type: string; readonly x509: Readonly<Record<string, Pair>> };
  readonly [name: string]: unknown;
}
type Pair = Readonly<Record<'primary' | 'secondary', { readonly info: Readonly<Record<string, unknown>> } | undefined>>;

async function refusal(answer: Promise<OfficialAnswer>): Promise<[string, number | undefined, number]> {
  const got = await answer;
  assert.ok('refused' in got, JSON.stringify(got));
  const { name, status, body: sent = '{}' } = got.refused;
  const told = JSON.parse(sent);
  assert.deepEqual(Object.keys(told), ['errorCode', 'trackingId', 'message', 'timestampUtc']);
  return [name, status, told.errorCode];
}

const x509 = (kind: string, pair: object) => ({ attestation: { type: 'x509', x509: { [kind]: pair } } });
const individual = (registrationId: string, primary: object, secondary?: object) => ({
  registrationId,
  provisioningStatus: 'enabled',
  ...x509('clientCertificates', { primary, ...(secondary && { secondary }) }),
});
const group = (enrollmentGroupId: string, pair: object, kind = 'signingCertificates') => ({
  enrollmentGroupId,
  provisioningStatus: 'enabled',
  ...x509(kind, pair),
});
const leafOf = async (cn: string) => ({ certificate: (await simulator.clientIdentity(cn)).cert });
const issuer = () => ({ primary: { certificate: simulator.endpoints.issuerPem } });
const create = (enrollment: object) => dps('createOrUpdateIndividualEnrollment', enrollment);
const createGroup = (enrollment: object) => dps('createOrUpdateEnrollmentGroup', enrollment);

test('an individual enrollment: what is read back tells of the certificate, and does not hold it', async () => {
  const { cert, thumbprint } = await simulator.clientIdentity('gw-1');
  const initialTwin = { tags: { site: 'north' }, properties: { desired: { level: 3 } } };
  const described = { initialTwin, deviceId: 'truck', optionalDeviceInformation: { colour: 'red' } };
  const written = await body(create({ ...individual('gw-1', { certificate: cert }), ...described }));
  assert.deepEqual(written.optionalDeviceInformation, { colour: 'red' });
  assert.deepEqual(await body(dps('getIndividualEnrollment', 'gw-1')), written);
  const info = written.attestation.x509.clientCertificates?.primary?.info;
  assert.equal(info?.sha256Thumbprint, thumbprint);
  assert.equal(info?.subjectName, 'CN=gw-1');
  assert.deepEqual(
    [written.deviceId, written.initialTwin, written.provisioningStatus],
    ['truck', initialTwin, 'enabled'],
  );
  assert.deepEqual(written.reprovisionPolicy, { updateHubAssignment: true, migrateDeviceData: true });
  assert.ok(!JSON.stringify(written).includes('BEGIN CERTIFICATE'));
  const mechanism = await body(dps('getIndividualEnrollmentAttestationMechanism', 'gw-1'));
  assert.deepEqual(mechanism, written.attestation);
});

test('a certificate may be base64 of the DER', async () => {
  const { cert, thumbprint } = await simulator.clientIdentity('gw-1');
  const [, base64 = ''] = /-----BEGIN CERTIFICATE-----([^-]+)/.exec(cert) ?? [];
  const { attestation } = await body(create(individual('gw-1', { certificate: base64.replaceAll('\n', '') })));
  assert.equal(attestation.x509.clientCertificates?.primary?.info.sha256Thumbprint, thumbprint);
});

describe('what is refused, and how', () => {
  type Row = readonly [what: string, ask: () => Promise<OfficialAnswer>, refused: [string, number, number]];
  const enrolled = async () => body(create(individual('gw-1', await leafOf('gw-1'))));
  const rows: readonly Row[] = [
    ['read what is not there', () => dps('getIndividualEnrollment', 'gw-9'), ['Error', 404, 404201]],
    ['read a group that is not there', () => dps('getEnrollmentGroup', 'nobody'), ['Error', 404, 404201]],
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
        await body(create({ ...first, provisioningStatus: 'disabled' }));
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
    [
      'no certificate but garbage',
      () => create(individual('gw-1', { certificate: 'AAAA' })),
      ['ArgumentError', 400, 400004],
    ],
    [
      'no certificate but info of another',
      () => create(individual('gw-1', { info: { sha256Thumbprint: 'AB' } })),
      ['ArgumentError', 400, 400004],
    ],
    [
      'a certificate that another enrollment holds',
      async () => {
        const leaf = await leafOf('gw-1');
        await body(create(individual('gw-1', leaf)));
        return create(individual('gw-2', leaf));
      },
      ['DeviceAlreadyExistsError', 409, 409202],
    ],
    [
      'a CA that nobody uploaded',
      () => createGroup(group('g', { primary: 'none' }, 'caReferences')),
      ['ArgumentError', 400, 400004],
    ],
    [
      'a CA that is not verified',
      async () => {
        await simulator.uploadCa('unproven', other.rootPem);
        return createGroup(group('g', { primary: 'unproven' }, 'caReferences'));
      },
      ['ArgumentError', 400, 400004],
    ],
    [
      'a query that is none',
      () => dps('createIndividualEnrollmentQuery', { query: 'DROP TABLE enrollments' }),
      ['ArgumentError', 400, 400004],
    ],
    [
      'whatever, when it is throttled',
      async () => {
        await simulator.lay('dps', 'rest-status', { status: 429, times: 1 });
        return dps('getEnrollmentGroup', 'g');
      },
      ['ThrottlingError', 429, 429001],
    ],
  ];
  for (const [what, ask, expected] of rows) test(what, async () => assert.deepEqual(await refusal(ask()), expected));
});

test('a group: create, replace under its etag, delete under its etag', async () => {
  const first = await body(createGroup(group('g', issuer())));
  const second = await body(
    createGroup({ ...group('g', { primary: { certificate: other.rootPem } }), etag: first.etag }),
  );
  assert.notEqual(second.etag, first.etag);
  assert.equal(second.attestation.x509.signingCertificates?.primary?.info.subjectName, 'CN=another CA root');
  assert.deepEqual(await body(dps('getEnrollmentGroupAttestationMechanism', 'g')), second.attestation);
  await body(dps('deleteEnrollmentGroup', 'g', second.etag));
  assert.equal((await refusal(dps('getEnrollmentGroup', 'g')))[1], 404);
});

describe('info alone, as a read gave it', () => {
  const rows = [
    ['keeps-its-place', 'ok', 400],
    ['may-move', 'ok', 'ok'],
    ['refused', 400, 400],
  ] as const;
  for (const [infoAlone, inPlace, moved] of rows) {
    test(infoAlone, async () => {
      const read = await body(create(individual('gw-1', await leafOf('gw-1'), await leafOf('gw-1'))));
      const { primary, secondary } = read.attestation.x509.clientCertificates ?? {};
      await simulator.set({ infoAlone });
      const outcome = async (pair: object) => {
        const answer = await create({ ...read, ...x509('clientCertificates', pair), etag: '*' });
        return 'value' in answer ? 'ok' : answer.refused.status;
      };
      assert.equal(await outcome({ primary, secondary }), inPlace);
      assert.equal(await outcome({ primary: secondary }), moved);
    });
  }
});

test('queries come in pages', async () => {
  for (const id of ['gw-1', 'gw-2', 'gw-3', 'gw-4', 'gw-5']) {
    await simulator.enrollIndividual({ registrationId: id, primary: (await simulator.clientIdentity(id)).cert });
  }
  const query = { query: 'SELECT * FROM enrollments' };
  const pages = (await body(dps('createIndividualEnrollmentQuery', query, 2))) as unknown as Body[][];
  assert.deepEqual(
    pages.map((page) => page.map(({ registrationId }) => registrationId)),
    [['gw-1', 'gw-2'], ['gw-3', 'gw-4'], ['gw-5']],
  );
  assert.deepEqual(await body(dps('createEnrollmentGroupQuery', { query: 'SELECT * FROM enrollmentGroups' })), [[]]);
});

test('in bulk: who is refused does not hold up the others', async () => {
  const [one, two] = [individual('gw-1', await leafOf('gw-1')), individual('gw-2', await leafOf('gw-2'))];
  const bulk = (mode: string, ...enrollments: object[]) =>
    body(dps('runBulkEnrollmentOperation', { mode, enrollments }));
  assert.deepEqual(await bulk('create', one), { isSuccessful: true, errors: [] });
  const { isSuccessful, errors } = await bulk('create', one, two);
  assert.deepEqual(
    [isSuccessful, errors],
    [false, [{ registrationId: 'gw-1', errorCode: 409201, errorStatus: 'Enrollment already exists: gw-1' }]],
  );
  assert.equal((await bulk('update', { ...one, provisioningStatus: 'disabled' })).isSuccessful, true);
  assert.equal((await bulk('updateIfMatchEtag', { ...one, etag: 'IjEi' })).isSuccessful, false);
  assert.equal((await body(dps('getIndividualEnrollment', 'gw-1'))).provisioningStatus, 'disabled');
  assert.equal((await bulk('delete', one, two)).isSuccessful, true);
});

test('registration records: of one device, of a group, and away', async () => {
  await simulator.trustCa(simulator.endpoints.estCaPem);
  await body(createGroup(group('g', issuer())));
  await register(simulator.endpoints, 'gw-1', await simulator.clientIdentity('gw-1'));
  const state = await body(dps('getDeviceRegistrationState', 'gw-1'));
  assert.deepEqual(
    [state.status, state.substatus, state.assignedHub],
    ['assigned', 'initialAssignment', simulator.endpoints.hub1],
  );
  const query = { query: 'SELECT * FROM registrations' };
  const members = await body(dps('createEnrollmentGroupDeviceRegistrationStateQuery', query, 'g'));
  assert.deepEqual(members, [[state]]);
  await body(dps('deleteDeviceRegistrationState', 'gw-1', state.etag));
  assert.equal((await refusal(dps('getDeviceRegistrationState', 'gw-1')))[1], 404);
});

test('a group that refers to a verified CA admits its leaves; a CA that is removed admits nobody', async () => {
  const code = await simulator.uploadCa('root', simulator.endpoints.estCaPem);
  await assert.rejects(simulator.verifyCa('root', await simulator.proveCa('WRONG', 'root')), /has the CN WRONG/);
  await assert.rejects(simulator.verifyCa('root', await simulator.proveCa(code, 'intermediate')), /not signed by it/);
  await simulator.verifyCa('root', await simulator.proveCa(code, 'root'));
  const written = await body(createGroup(group('g', { primary: 'root' }, 'caReferences')));
  assert.deepEqual(written.attestation.x509, { caReferences: { primary: 'root' } });
  // The intermediate is sent along, and the root is found above it.
  await register(simulator.endpoints, 'gw-2', await simulator.clientIdentity('gw-2'));
  await simulator.removeCa('root');
  await assert.rejects(register(simulator.endpoints, 'gw-2', await simulator.clientIdentity('gw-2')), {
    name: 'UnauthorizedError',
  });
});

test('an enrollment that names a hub assigns to it, and begins its twin with tags', async () => {
  const iotHubs = [simulator.endpoints.hub2];
  const initialTwin = { tags: { site: 'south' }, properties: { desired: {} } };
  const leaf = await simulator.clientIdentity('gw-3');
  await body(
    create({ ...individual('gw-3', { certificate: leaf.cert }), iotHubs, initialTwin, allocationPolicy: 'static' }),
  );
  const { assignedHub } = await register(simulator.endpoints, 'gw-3', leaf);
  assert.equal(assignedHub, simulator.endpoints.hub2);
  assert.deepEqual((await simulator.twin('gw-3')).tags, { site: 'south' });
});
