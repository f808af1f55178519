import { setTimeout as pause } from 'node:timers/promises';
import type { Gateway } from '../e2e/stage/gateway.ts';
import { descriptorsOf, memoryOf } from './proc.ts';
import { type Reading, short } from './reading.ts';
import type { Stand } from './stand.ts';

const RECONNECTS = 100;
/** By then newleaf has given back what its work has left (agent/launch/sweep.ts). */
export const REST_MS = 20_000;

/**
 * What a hundred requests, each a registration and a new session, leave behind when newleaf rests after them (agent/launch/sweep.ts).
 * So many refusals would be slowed down by the brake.
 */
export async function growth(stand: Stand): Promise<readonly Reading[]> {
  await stand.far.set({ answerAtOnce: true });
  const gateway = await stand.gateway('growth');
  await stand.start(gateway);
  const before = await atRest(gateway);
  for (let reconnect = 0; reconnect < RECONNECTS; reconnect++) {
    const since = gateway.log.lines.length;
    await gateway.post('/v1/reprovision', { id: `growth-${reconnect}` });
    await gateway.log.waitFor({ event: 'outcome', id: `growth-${reconnect}` }, { since });
  }
  const peak = memoryOf(gateway.pid).anon - before.anon;
  const after = await atRest(gateway);
  await gateway.stop();
  const by = `by ${RECONNECTS} reconnects`;
  return [
    {
      name: `Pss_Anon gained ${by}`,
      value: after.anon - before.anon,
      unit: 'MiB',
      note: `${short(peak)} before it rests`,
    },
    {
      name: `descriptors gained ${by}`,
      value: after.descriptors - before.descriptors,
      unit: '',
      note: `${before.descriptors} before`,
    },
  ];
}

async function atRest({ pid }: Gateway): Promise<{ readonly anon: number; readonly descriptors: number }> {
  await pause(REST_MS);
  return { anon: memoryOf(pid).anon, descriptors: descriptorsOf(pid) };
}
