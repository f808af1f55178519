import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Gateway } from '../e2e/gateway.ts';
import { descriptorsOf, memoryOf } from './proc.ts';
import { type Reading, short } from './reading.ts';
import { FLAGS, type Stand } from './stand.ts';

const RECONNECTS = 100;
/** V8 gives the pages of a collection back some 8 s later. */
const RELEASE_MS = 11_000;

/**
 * What a hundred refusals, each answered by a registration and a new session, leave behind when their garbage has been
 * collected. Left alone, V8 collects it some time later; until then it is there as well, and only told.
 */
export async function growth(stand: Stand): Promise<readonly Reading[]> {
  await stand.far.set({ answerAtOnce: true });
  const gateway = await stand.gateway('growth', [...FLAGS, `--require=${join(import.meta.dirname, 'collect.cjs')}`]);
  await stand.start(gateway);
  const before = await collected(gateway);
  for (let reconnect = 0; reconnect < RECONNECTS; reconnect++) {
    const since = gateway.log.lines.length;
    await stand.far.forget(gateway.registrationId);
    await gateway.log.waitFor({ event: 'connected' }, { since });
  }
  const peak = memoryOf(gateway.pid).anon - before.anon;
  const after = await collected(gateway);
  await gateway.stop();
  const by = `by ${RECONNECTS} reconnects`;
  return [
    {
      name: `Pss_Anon gained ${by}`,
      value: after.anon - before.anon,
      unit: 'MiB',
      note: `${short(peak)} before its collection`,
    },
    {
      name: `descriptors gained ${by}`,
      value: after.descriptors - before.descriptors,
      unit: '',
      note: `${before.descriptors} before`,
    },
  ];
}

async function collected({ pid }: Gateway): Promise<{ anon: number; descriptors: number }> {
  process.kill(pid, 'SIGUSR2');
  await pause(RELEASE_MS);
  return { anon: memoryOf(pid).anon, descriptors: descriptorsOf(pid) };
}
