import assert from 'node:assert/strict';
import { register } from '../../clients/device.ts';
import { knockHub } from '../../clients/raw.ts';
import type { ClientIdentity } from '../../simulator/ca.ts';
import type { Simulator } from '../../simulator/simulator.ts';

/** Asserts that a leaf with its key opens neither a hub nor DPS, by trying both with another program than newleaf. */
export async function keptOut(far: Simulator, deviceId: string, leaf: ClientIdentity): Promise<void> {
  const { endpoints, log } = far;
  const since = log.entries.length;
  for (const host of [endpoints.hub1, endpoints.hub2]) {
    const { connack, client } = await knockHub(endpoints, host, deviceId, leaf);
    client.end(true);
    assert.equal(connack, 5, `the hub must refuse ${leaf.thumbprint}`);
  }
  await assert.rejects(register(endpoints, deviceId, leaf), 'DPS must refuse it');
  const judged = log.since(since).filter(({ thumbprint }) => thumbprint === leaf.thumbprint);
  assert.ok(judged.some(({ event, server, code }) => server === 'dps' && event === 'refused' && code === 401002));
  assert.ok(!judged.some(({ event }) => event === 'assigned' || event === 'connected'));
}
