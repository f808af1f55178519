import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { DeviceMethodRequest, DeviceMethodResponse } from 'azure-iot-device';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { openHub, register } from './device.ts';

let simulator: Simulator;

before(async () => {
  simulator = await startSimulator();
});
after(() => simulator.close());

test('an individual enrollment registers, and its thumbprint reaches the hub in both places', async () => {
  const now = await simulator.clientIdentity('gw-individual');
  const next = await simulator.clientIdentity('gw-individual');
  await simulator.enrollIndividual({
    registrationId: 'gw-individual',
    deviceId: 'device-7',
    primary: now.cert,
    secondary: next.cert,
  });
  const result = await register(simulator.endpoints, 'gw-individual', now);
  assert.equal(result.deviceId, 'device-7');
  assert.equal(result.assignedHub, simulator.endpoints.hub1);
  const device = await simulator.device('device-7');
  assert.deepEqual(device?.thumbprints, { primary: now.thumbprint, secondary: now.thumbprint });
  assert.equal(simulator.log.registrations('gw-individual'), 1);
});

test('a member of a group registers, and connects, reads its twin, reports and answers a method', async () => {
  const { issuerPem } = simulator.endpoints;
  const leaf = await simulator.clientIdentity('gw-member');
  await simulator.enrollGroup({ groupId: 'gateways', primary: issuerPem, initialDesired: { site: 'north' } });
  await simulator.assign('gw-member', 'hub2');
  const { assignedHub, deviceId } = await register(simulator.endpoints, 'gw-member', leaf);
  assert.equal(assignedHub, simulator.endpoints.hub2);
  assert.deepEqual((await simulator.device('gw-member'))?.thumbprints, {
    primary: leaf.thumbprint,
    secondary: leaf.thumbprint,
  });

  const client = await openHub(simulator.endpoints, assignedHub, deviceId, leaf);
  const twin = await client.getTwin();
  assert.equal(twin.properties.desired.site, 'north');
  await new Promise<void>((resolve, reject) => {
    twin.properties.reported.update({ leaf: 'new' }, (error: Error) => (error ? reject(error) : resolve()));
  });
  assert.deepEqual((await simulator.twin('gw-member')).reported, { leaf: 'new' });
  // The SDK calls a new listener at once with the value it has, and subscribes meanwhile.
  const changed = new Promise((resolve) => {
    twin.on('properties.desired.site', (site) => site !== 'north' && resolve(site));
  });
  await simulator.log.waitFor({ event: 'subscribed', reason: '$iothub/twin/PATCH/properties/desired/#' });
  await simulator.updateDesired('gw-member', { site: 'south' });
  assert.equal(await changed, 'south');

  client.onDeviceMethod('reprovision', (request: DeviceMethodRequest, response: DeviceMethodResponse) => {
    void response.send(202, { got: request.payload });
  });
  await simulator.log.waitFor({ server: 'hub2', event: 'subscribed', reason: '$iothub/methods/POST/#' });
  const answer = await simulator.callMethod('gw-member', 'reprovision', { action: 'roll' }, 2_000);
  assert.deepEqual(answer, { status: 202, payload: { got: { action: 'roll' } } });
  await client.close();
  const end = await simulator.log.waitFor({ server: 'hub2', event: 'disconnected' });
  assert.equal(end.reason, 'DISCONNECT');
});

test('given ports are used; one that is taken rejects, and leaves no port open', async () => {
  const portOf = (host: string): number => Number(host.split(':')[1]);
  const first = await startSimulator();
  const [dps, hub1] = [portOf(first.endpoints.dps), portOf(first.endpoints.hub1)];
  await first.close();
  const second = await startSimulator({ ports: { dps } });
  assert.equal(portOf(second.endpoints.dps), dps);
  await assert.rejects(startSimulator({ ports: { dps, hub1 } }), { code: 'EADDRINUSE' });
  const third = await startSimulator({ ports: { hub1 } });
  await Promise.all([second.close(), third.close()]);
});
