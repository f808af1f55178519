import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import type { Attested, Unattested } from '../../simulator/attest.ts';
import { Authority, type ClientIdentity, thumbprintOf } from '../../simulator/ca.ts';
import { Enrollments, type IndividualInput } from '../../simulator/enrollments.ts';
import { type Outcome, Registrar } from '../../simulator/registrar.ts';
import { Registry } from '../../simulator/registry.ts';
import { DEFAULT_SWITCHES, type Switches } from '../../simulator/switches.ts';

const ca = await Authority.create('ca', 0);
const [first, second] = [await ca.clientIdentity('gw-1'), await ca.clientIdentity('gw-1')];

let enrollments: Enrollments;
let hub1: Registry;
let hub2: Registry;
let switches: Switches;
let registrar: Registrar;

beforeEach(() => {
  enrollments = new Enrollments();
  hub1 = new Registry();
  hub2 = new Registry();
  switches = { ...DEFAULT_SWITCHES };
  const hubs = [
    { name: 'hub1' as const, host: () => 'localhost:1', registry: hub1 },
    { name: 'hub2' as const, host: () => 'localhost:2', registry: hub2 },
  ];
  registrar = new Registrar(enrollments, hubs, switches, Date.now);
  enrollments.cas.trust(ca.rootPem);
  enrollments.putGroup({ groupId: 'all', primary: ca.issuerPem });
});

function attestedBy({ cert }: ClientIdentity): Attested | Unattested {
  const leaf = new X509Certificate(cert);
  return registrar.attest({ leaf, thumbprint: thumbprintOf(leaf), chain: [leaf] }, 'gw-1');
}

function register(identity: ClientIdentity): Extract<Outcome, { kind: 'assigned' }> {
  const outcome = registrar.conclude(registrar.begin('gw-1'), attestedBy(identity));
  assert.ok(outcome.kind === 'assigned');
  return outcome;
}

const policy = (name: NonNullable<IndividualInput['policy']>): void => {
  enrollments.putGroup({ groupId: 'all', primary: ca.issuerPem, policy: name, initialDesired: { fresh: true } });
};

test('the leaf that registered last is the one in the hub, in both places', () => {
  register(first);
  register(second);
  assert.deepEqual(hub1.get('gw-1').thumbprints, { primary: second.thumbprint, secondary: second.thumbprint });
  register(first);
  assert.deepEqual(hub1.get('gw-1').thumbprints, { primary: first.thumbprint, secondary: first.thumbprint });
});

// Microsoft's own live tests: after the secondary has registered, x509Thumbprint.primaryThumbprint is the second leaf
// (azure-iot-cli-extension, test_iot_device_registration_individual_int.py).
test('an individual enrollment with two leaves: the hub learns the one that registered, in both places', () => {
  enrollments.putIndividual({ registrationId: 'gw-1', primary: first.cert, secondary: second.cert });
  for (const { cert, thumbprint } of [first, second, first]) {
    register({ key: '', cert, thumbprint });
    assert.deepEqual(hub1.get('gw-1').thumbprints, { primary: thumbprint, secondary: thumbprint });
  }
});

test('a registration at the same hub says so: reprovisionedToInitialAssignment', () => {
  assert.equal(register(first).registration.substatus, 'initialAssignment');
  assert.equal(register(second).registration.substatus, 'reprovisionedToInitialAssignment');
  enrollments.registrations.delete('gw-1');
  assert.equal(register(second).registration.substatus, 'initialAssignment', 'the record was deleted');
});

test('another device ID counts after the record of the registration was deleted', () => {
  const enroll = (deviceId: string) =>
    enrollments.putIndividual({ registrationId: 'gw-1', deviceId, primary: first.cert });
  enroll('truck');
  assert.equal(register(first).registration.deviceId, 'truck');
  enroll('lorry');
  assert.equal(register(first).registration.deviceId, 'truck');
  enrollments.registrations.delete('gw-1');
  assert.equal(register(first).registration.deviceId, 'lorry');
});

test('a registration that failed leaves a record, and does not forget the hub of before', () => {
  register(first);
  const attested = attestedBy(first);
  registrar.conclude(registrar.begin('gw-1'), attested, { errorCode: 401001, message: 'IoTHub not found.' });
  const { status, errorCode, assignedHub } = enrollments.registrations.get('gw-1') ?? assert.fail('no record');
  assert.deepEqual([status, errorCode, assignedHub], ['failed', 401001, 'localhost:1']);
  registrar.allocate('gw-1', 'hub2');
  assert.equal(register(first).registration.substatus, 'deviceDataMigrated');
});

test('an identity that was deleted is made again; one that was disabled stays disabled', () => {
  register(first);
  hub1.setStatus('gw-1', 'disabled');
  register(first);
  assert.equal(hub1.get('gw-1').status, 'disabled');
  hub1.remove('gw-1');
  register(first);
  assert.equal(hub1.get('gw-1').status, 'enabled');
});

test('the switch registrationEnablesDevice enables it', () => {
  register(first);
  hub1.setStatus('gw-1', 'disabled');
  switches.registrationEnablesDevice = true;
  register(first);
  assert.equal(hub1.get('gw-1').status, 'enabled');
});

const moves = [
  ['migrate', 'localhost:2', 'deviceDataMigrated', { site: 'north', fresh: true }],
  ['reset', 'localhost:2', 'deviceDataReset', { fresh: true }],
  ['never', 'localhost:1', 'initialAssignment', { site: 'north', fresh: true }],
] as const;
for (const [name, host, substatus, desired] of moves) {
  test(`another hub is allocated, policy ${name}`, () => {
    policy(name);
    assert.equal(register(first).registration.substatus, 'initialAssignment');
    hub1.patchDesired('gw-1', { site: 'north' });
    registrar.allocate('gw-1', 'hub2');
    const { registration } = register(second);
    assert.deepEqual([registration.assignedHub, registration.substatus], [host, substatus]);
    const [holder, left] = host === 'localhost:1' ? [hub1, hub2] : [hub2, hub1];
    assert.equal(holder.get('gw-1').thumbprints.primary, second.thumbprint);
    assert.deepEqual(holder.twin('gw-1').desired, desired);
    assert.equal(left.find('gw-1'), undefined);
  });
}

test('policy never may leave the old thumbprint (row 41)', () => {
  policy('never');
  switches.neverPolicyRefreshesThumbprint = false;
  register(first);
  register(second);
  assert.equal(hub1.get('gw-1').thumbprints.primary, first.thumbprint);
  hub1.remove('gw-1');
  register(second);
  assert.equal(hub1.get('gw-1').thumbprints.primary, second.thumbprint);
});
