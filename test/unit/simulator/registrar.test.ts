import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { beforeEach, test } from 'node:test';
import { Authority, type ClientIdentity, thumbprintOf } from '../../simulator/ca.ts';
import { Enrollments } from '../../simulator/enrollments.ts';
import { Registrar } from '../../simulator/registrar.ts';
import { Registry } from '../../simulator/registry.ts';
import { DEFAULT_SWITCHES, type Switches } from '../../simulator/switches.ts';

const ca = await Authority.create('ca', 0);
const [first, second] = [await ca.clientIdentity('gw-1'), await ca.clientIdentity('gw-1')];
const both = { registrationId: 'gw-1', primary: first.cert, secondary: second.cert };
const fresh = { groupId: 'all', primary: ca.issuerPem, initialDesired: { fresh: true } };

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
  enrollments.putGroup(fresh);
});

/** @returns device, hub and substatus, as DPS keeps them */
function register({ cert }: ClientIdentity, failure?: { errorCode: number; message: string }) {
  const leaf = new X509Certificate(cert);
  const attested = registrar.attest({ leaf, thumbprint: thumbprintOf(leaf), chain: [leaf] }, 'gw-1');
  registrar.conclude(registrar.begin('gw-1'), attested, failure);
  const { deviceId, assignedHub, substatus } = enrollments.registrations.get('gw-1') ?? assert.fail('no record');
  return [deviceId, assignedHub, substatus];
}
const knows = (hub: Registry, { thumbprint }: ClientIdentity): void =>
  assert.deepEqual(hub.get('gw-1').thumbprints, { primary: thumbprint, secondary: thumbprint });

// Microsoft's own live tests: after the secondary has registered, x509Thumbprint.primaryThumbprint is the second leaf
// (azure-iot-cli-extension, test_iot_device_registration_individual_int.py).
test('the leaf that registered last is the only one in the hub; a registration that failed writes none', () => {
  for (const enroll of [() => undefined, () => enrollments.putIndividual(both)]) {
    enroll();
    for (const identity of [first, second, first]) {
      register(identity);
      knows(hub1, identity);
    }
  }
  assert.deepEqual(register(second, { errorCode: 401001, message: 'No hub.' }).slice(0, 2), ['gw-1', 'localhost:1']);
  knows(hub1, first);
});

test('device ID and assignment begin anew when the record was deleted', () => {
  enrollments.putIndividual({ ...both, deviceId: 'truck' });
  assert.deepEqual(register(first), ['truck', 'localhost:1', 'initialAssignment']);
  enrollments.putIndividual({ ...both, deviceId: 'lorry' });
  assert.deepEqual(register(second), ['truck', 'localhost:1', 'reprovisionedToInitialAssignment']);
  enrollments.registrations.delete('gw-1');
  assert.deepEqual(register(first), ['lorry', 'localhost:1', 'initialAssignment']);
});

test('an identity that was deleted is made again; one that was disabled stays so, but by a switch', () => {
  register(first);
  const changes: readonly (readonly [change: () => unknown, status: string])[] = [
    [() => hub1.setStatus('gw-1', 'disabled'), 'disabled'],
    [() => Object.assign(switches, { registrationEnablesDevice: true }), 'enabled'],
    [() => hub1.remove('gw-1'), 'enabled'],
  ];
  for (const [change, status] of changes) {
    change();
    register(first);
    assert.equal(hub1.get('gw-1').status, status);
  }
});

for (const [policy, host, substatus, desired] of [
  ['migrate', 'localhost:2', 'deviceDataMigrated', { site: 'north', fresh: true }],
  ['reset', 'localhost:2', 'deviceDataReset', { fresh: true }],
  ['never', 'localhost:1', 'initialAssignment', { site: 'north', fresh: true }],
] as const) {
  test(`another hub is allocated, policy ${policy}: ${substatus}`, () => {
    enrollments.putGroup({ ...fresh, policy });
    register(first);
    hub1.patchDesired('gw-1', { site: 'north' });
    registrar.allocate('gw-1', 'hub2');
    assert.deepEqual(register(second), ['gw-1', host, substatus]);
    const [holder, left] = policy === 'never' ? [hub1, hub2] : [hub2, hub1];
    knows(holder, second);
    assert.deepEqual(holder.twin('gw-1').desired, desired);
    assert.equal(left.find('gw-1'), undefined);
    if (policy !== 'never') return;
    switches.neverPolicyRefreshesThumbprint = false;
    register(first);
    knows(hub1, second);
  });
}
