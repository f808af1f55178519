import { setTimeout as pause } from 'node:timers/promises';
import { bareNode } from './bare.ts';
import { memoryOf } from './proc.ts';
import { measured, type Reading } from './reading.ts';
import { roundRobin, sampleOf } from './rounds.ts';
import type { Stand } from './stand.ts';

/** V8 collects what a start has left within some 10 s (its memory reducer); from then on nothing changes. */
export const IDLE_MS = 12_000;

/**
 * What an idle daemon has in memory, after a start from its journal, beside a bare Node of the same age. That one runs from another
 * copy of the file, so that the two share none of its pages; the control is one that runs alone.
 */
export async function memory(stand: Stand): Promise<readonly Reading[]> {
  const gateway = await stand.gateway('memory');
  const idle = async () => {
    const bare = await bareNode();
    await stand.start(gateway);
    await pause(IDLE_MS);
    const [newleaf, floor] = [memoryOf(gateway.pid), memoryOf(bare.pid)];
    await gateway.stop();
    await bare.end();
    return { pss: newleaf.pss, anon: newleaf.anon, barePss: floor.pss, bareAnon: floor.anon };
  };
  const found = (await roundRobin({ idle })).idle;
  const alone = await bareNode();
  await pause(IDLE_MS);
  const control = sampleOf([memoryOf(alone.pid).pss]);
  await alone.end();
  return [
    measured('idle PSS', 'MiB', found.pss, found.barePss),
    measured('idle Pss_Anon', 'MiB', found.anon, found.bareAnon),
    measured('control: PSS of a bare Node alone', 'MiB', control, found.barePss),
  ];
}
