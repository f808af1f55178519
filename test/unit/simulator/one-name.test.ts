import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSimulator } from '../../simulator/simulator.ts';
import { knockHub } from './raw.ts';

test('the device side of a hub answers under the name of its service side, too, on the port that SDKs take', async (t) => {
  const simulator = await startSimulator();
  t.after(() => simulator.close());
  const leaf = await simulator.clientIdentity('gw-1');
  await simulator.writeDevice('hub1', 'gw-1', leaf.thumbprint);
  const [, host = ''] = /HostName=([^;]+)/.exec(simulator.endpoints.hub1Service) ?? [];
  if (host.includes(':')) return t.diagnostic('port 443 is not for this user: there is no address of its own');
  const { connack, client } = await knockHub(simulator.endpoints, host, 'gw-1', leaf, { port: 8883 });
  client.end(true);
  assert.equal(connack, 0);
  await simulator.lay('hub1', 'port-closed');
  assert.equal((await knockHub(simulator.endpoints, host, 'gw-1', leaf, { port: 8883 })).connack, undefined);
  await simulator.lift('hub1');
  const again = await knockHub(simulator.endpoints, host, 'gw-1', leaf, { port: 8883 });
  again.client.end(true);
  assert.equal(again.connack, 0);
});
