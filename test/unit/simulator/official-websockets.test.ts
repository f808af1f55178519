import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MqttWs as HubWs } from 'azure-iot-device-mqtt';
import provisioning from 'azure-iot-provisioning-device-mqtt';
import { startSimulator } from '../../simulator/simulator.ts';
import { openHub, register } from './device.ts';

test('the official device clients over WebSockets, on port 443 of the names that DPS and hub have', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.close());
  const { endpoints } = simulator;
  const [dps = '', hub = ''] = [endpoints.dpsService, endpoints.hub1Service].map(
    (text) => /HostName=([^;]+)/.exec(text)?.[1],
  );
  if (dps.includes(':')) return t.diagnostic('port 443 is not for this user: there is no address of its own');
  await simulator.enrollGroup({ groupId: 'gateways', primary: endpoints.issuerPem });
  const leaf = await simulator.clientIdentity('gw-1');
  const { deviceId } = await register({ ...endpoints, dps }, 'gw-1', leaf, provisioning.MqttWs);
  assert.equal(deviceId, 'gw-1');
  const client = await openHub(endpoints, hub, 'gw-1', leaf, HubWs);
  const twin = await client.getTwin();
  assert.ok(twin.properties.desired.$version > 0);
  await client.close();
  const sockets = simulator.log.entries.filter(({ event }) => event === 'websocket');
  assert.deepEqual(
    sockets.map(({ server, thumbprint }) => [server, thumbprint]),
    [
      ['dps', leaf.thumbprint],
      ['hub1', leaf.thumbprint],
    ],
  );
});
