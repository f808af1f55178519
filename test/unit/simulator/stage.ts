import { after, afterEach } from 'node:test';
import type { ClientIdentity } from '../../simulator/ca.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/simulator.ts';
import { DEFAULT_SWITCHES } from '../../simulator/switches.ts';

/** A far side for all tests of a file: each begins without faults, and with every switch by default. */
export async function staged(options?: SimulatorOptions): Promise<{ simulator: Simulator; leaf: ClientIdentity }> {
  const simulator = await startSimulator(options);
  after(() => simulator.close());
  afterEach(async () => {
    await simulator.set(DEFAULT_SWITCHES);
    for (const server of ['dps', 'hub1', 'hub2'] as const) await simulator.lift(server);
  });
  return { simulator, leaf: await simulator.clientIdentity('gw-1') };
}
