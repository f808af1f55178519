import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import { Authority, type ClientIdentity, thumbprintOf } from '../../simulator/ca.ts';
import { Enrollments, type IndividualInput } from '../../simulator/enrollments.ts';
import { Registrar } from '../../simulator/registrar.ts';
import { type Identity, Registry } from '../../simulator/registry.ts';
import { DEFAULT_SWITCHES, type Switches } from '../../simulator/switches.ts';

const ca = await Authority.create('ca', 0);
const [first, second] = [await ca.clientIdentity('gw-1'), await ca.clientIdentity('gw-1')];
const NO_HUB = { errorCode: 401001, message: 'IoTHub not found.' };

let enrollments: Enrollments;
let hub1: Registry;
let hub2: Registry;
let switches: Switches;
let registrar: Registrar;

beforeEach(() => {
  [enrollments, hub1, hub2, switches] = [new Enrollments(), new Registry(), new Registry(), { ...DEFAULT_SWITCHES }];
  const hubs = [
    { name: 'hub1' as const, host: () => 'localhost:1', registry: hub1 },
    { name: 'hub2' as const, host: () => 'localhost:2', registry: hub2 },
  ];
  registrar = new Registrar(enrollments, hubs, switches, Date.now);
  enrollments.cas.trust(ca.rootPem);
  enrollments.putGroup({ groupId: 'all', primary: ca.issuerPem });
});

function conclude({ cert }: ClientIdentity, failure?: typeof NO_HUB) {
  const leaf = new X509Certificate(cert);
  const attested = registrar.attest({ leaf, thumbprint: thumbprintOf(leaf), chain: [leaf] }, 'gw-1');
  return registrar.conclude(registrar.begin('gw-1'), attested, failure);
}
function register(identity: ClientIdentity): [device: string, hub: string, substatus: string] {
  const outcome = conclude(identity);
  assert.ok(outcome.kind === 'assigned');
  const { deviceId, assignedHub, substatus } = outcome.registration;
  return [deviceId, assignedHub, substatus];
}
const knows = (hub: Registry, { thumbprint }: ClientIdentity): void =>
  assert.deepEqual(hub.get('gw-1').thumbprints, { primary: thumbprint, secondary: thumbprint });

// Microsoft's own live tests: after the secondary has registered, x509Thumbprint.primaryThumbprint is the second leaf
// (azure-iot-cli-extension, test_iot_device_registration_individual_int.py).
test('the leaf that registered last is the only one in the hub, for a group and an individual enrollment of two leaves', () => {
  for (const enroll of [() => {}, () => void enrollments.putIndividual(two)]) {
    enroll();
    for (const identity of [first, second, first]) {
      register(identity);
      knows(hub1, identity);
    }
  }
});
const two: IndividualInput = { registrationId: 'gw-1', primary: first.cert, secondary: second.cert };

test('what is told of the assignment, and the device ID, begin anew when the record was deleted', () => {
  const enroll = (deviceId: string) => enrollments.putIndividual({ ...two, deviceId });
  enroll('truck');
  assert.deepEqual(register(first), ['truck', 'localhost:1', 'initialAssignment']);
  enroll('lorry');
  assert.deepEqual(register(second), ['truck', 'localhost:1', 'reprovisionedToInitialAssignment']);
  enrollments.registrations.delete('gw-1');
  assert.deepEqual(register(first), ['lorry', 'localhost:1', 'initialAssignment']);
});

test('a registration that failed writes nothing into a hub, leaves a record, and does not forget the hub of before', () => {
  register(first);
  conclude(second, NO_HUB);
  knows(hub1, first);
  const { status, errorCode, assignedHub } = enrollments.registrations.get('gw-1') ?? assert.fail('no record');
  assert.deepEqual([status, errorCode, assignedHub], ['failed', 401001, 'localhost:1']);
  registrar.allocate('gw-1', 'hub2');
  assert.equal(register(first)[2], 'deviceDataMigrated');
});

test('an identity that was deleted is made again; one that was disabled stays so, but by a switch', () => {
  register(first);
  const after = (change: () => unknown): Identity['status'] => {
    change();
    register(first);
    return hub1.get('gw-1').status;
  };
  assert.equal(
    after(() => hub1.setStatus('gw-1', 'disabled')),
    'disabled',
  );
  assert.equal(
    after(() => Object.assign(switches, { registrationEnablesDevice: true })),
    'enabled',
  );
  assert.equal(
    after(() => hub1.remove('gw-1')),
    'enabled',
  );
});

for (const [policy, host, substatus, desired] of [
  ['migrate', 'localhost:2', 'deviceDataMigrated', { site: 'north', fresh: true }],
  ['reset', 'localhost:2', 'deviceDataReset', { fresh: true }],
  ['never', 'localhost:1', 'initialAssignment', { site: 'north', fresh: true }],
] as const) {
  test(`another hub is allocated, policy ${policy}: ${substatus}`, () => {
    enrollments.putGroup({ groupId: 'all', primary: ca.issuerPem, policy, initialDesired: { fresh: true } });
    register(first);
    hub1.patchDesired('gw-1', { site: 'north' });
    registrar.allocate('gw-1', 'hub2');
    assert.deepEqual(register(second), ['gw-1', host, substatus]);
    const [holder, left] = host === 'localhost:1' ? [hub1, hub2] : [hub2, hub1];
    knows(holder, second);
    assert.deepEqual(holder.twin('gw-1').desired, desired);
    assert.equal(left.find('gw-1'), undefined);
  });
}

test('the policy "never" may leave the old thumbprint', () => {
  enrollments.putGroup({ groupId: 'all', primary: ca.issuerPem, policy: 'never' });
  switches.neverPolicyRefreshesThumbprint = false;
  register(first);
  register(second);
  knows(hub1, first);
});
