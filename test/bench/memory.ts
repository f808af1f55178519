import type { Gateway } from '../e2e/stage/gateway.ts';
import { bareNode } from './bare.ts';
import { type Memory, memoryOf } from './proc.ts';
import { least, type Reading, short } from './reading.ts';
import { ENVIRONMENT, type Environment, FLAGS, type Stand } from './stand.ts';

export const RUNS = 3;

/** What an idle daemon has in memory, connected for two seconds, after a start from its journal. */
export async function memory(stand: Stand): Promise<readonly Reading[]> {
  const bare = await bareMemory(stand);
  const lean = await idle(stand, await stand.gateway('lean', FLAGS), RUNS, ENVIRONMENT);
  const plain = await idle(stand, await stand.gateway('plain', []), 1, {});
  const reading = (name: string, of: keyof Memory): Reading => ({
    name,
    value: lean[of],
    unit: 'MiB',
    floor: bare[of],
    note: `${short(plain[of])} without the flags of the unit`,
  });
  return [reading('idle PSS', 'pss'), reading('idle Pss_Anon', 'anon')];
}

export async function idle(stand: Stand, gateway: Gateway, runs: number, environment: Environment): Promise<Memory> {
  const found: Memory[] = [];
  for (let run = 0; run < runs; run++) {
    await stand.start(gateway, environment);
    await stand.calm();
    found.push(memoryOf(gateway.pid));
    await gateway.stop();
  }
  return { pss: least(found.map(({ pss }) => pss)), anon: least(found.map(({ anon }) => anon)) };
}

async function bareMemory(stand: Stand): Promise<Memory> {
  const bare = await bareNode();
  await stand.calm();
  const found = memoryOf(bare.pid);
  await bare.end();
  return found;
}
