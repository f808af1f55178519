import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ClientIdentity } from '../../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../../simulator/simulator.ts';
import { DEFAULT_SWITCHES, type Switches } from '../../../simulator/switches.ts';
import { knockDps } from '../raw.ts';
import { knockAt } from './device.ts';

let simulator: Simulator;
let leaf: ClientIdentity;

before(async () => {
  simulator = await startSimulator();
  leaf = await simulator.clientIdentity('gw-1');
  await simulator.writeDevice('hub1', 'gw-1', leaf.thumbprint);
});
after(() => simulator.close());

const dps = (version: string) => knockDps(simulator.endpoints, 'gw-1', leaf, version);
const hub = (version: string) => knockAt(simulator, 'gw-1', leaf, version);

for (const [knock, switches, version, code] of [
  [dps, {}, '2019-03-31', 0],
  [dps, {}, '2025-07-01-preview', 0],
  [dps, {}, '2026-11-02-preview', 0],
  [dps, {}, '2019-03-32', 5],
  [dps, { dpsVersions: 'preview' }, '2025-07-01-preview', 0],
  [dps, { dpsVersions: 'preview' }, '2026-11-01', 5],
  [dps, { dpsVersions: 'classic' }, '2019-03-31', 0],
  [dps, { dpsVersions: 'classic' }, '2025-07-01-preview', 5],
  [dps, { dpsVersions: 'any' }, 'tomorrow', 0],
  [hub, {}, '2021-04-12', 0],
  [hub, {}, '2025-08-01-preview', 0],
  [hub, {}, '2021-04-13', 5],
  [hub, { hubVersions: 'classic' }, '2021-04-12', 0],
  [hub, { hubVersions: 'classic' }, '2025-08-01-preview', 5],
  [hub, { hubVersions: 'any' }, 'tomorrow', 0],
] as const satisfies readonly (readonly [typeof dps, Partial<Switches>, string, number])[]) {
  test(`${knock === dps ? 'DPS' : 'hub'} ${JSON.stringify(switches)}: ${version} is CONNACK ${code}`, async () => {
    await simulator.set(switches);
    const { connack, client } = await knock(version);
    client.end(true);
    await simulator.set(DEFAULT_SWITCHES);
    assert.equal(connack, code);
  });
}
