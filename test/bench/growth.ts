import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Gateway } from '../e2e/stage/gateway.ts';
import { descriptorsOf, memoryOf } from './proc.ts';
import { least, type Reading, short } from './reading.ts';
import { FLAGS, type Stand } from './stand.ts';

const RECONNECTS = 100;
/** Node 24 (V8 13.6) gives the pages that a collection has freed back some 10 s later, and not after each. */
const RELEASE_S = 25;
const COLLECT_EVERY_S = 12;

/**
 * What a hundred requests, each a registration and a new session, leave behind when their garbage has been collected. (So many
 * refusals would be slowed down by the brake.) Left alone, V8 collects it some time later; until then it is there as well, and only told.
 */
export async function growth(stand: Stand): Promise<readonly Reading[]> {
  await stand.far.set({ answerAtOnce: true });
  const gateway = await stand.gateway('growth', [...FLAGS, `--require=${join(import.meta.dirname, 'collect.cjs')}`]);
  await stand.start(gateway);
  const before = await collected(gateway, RELEASE_S / 2);
  for (let reconnect = 0; reconnect < RECONNECTS; reconnect++) {
    const since = gateway.log.lines.length;
    await gateway.post('/v1/reprovision', { id: `growth-${reconnect}` });
    await gateway.log.waitFor({ event: 'outcome', id: `growth-${reconnect}` }, { since });
  }
  const peak = memoryOf(gateway.pid).anon - before.anon;
  const after = await collected(gateway, RELEASE_S);
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

async function collected({ pid }: Gateway, seconds: number): Promise<{ anon: number; descriptors: number }> {
  const found: number[] = [];
  for (let second = 0; second < seconds; second++) {
    if (second % COLLECT_EVERY_S < 2) process.kill(pid, 'SIGUSR2');
    await pause(1_000);
    found.push(memoryOf(pid).anon);
  }
  return { anon: least(found), descriptors: descriptorsOf(pid) };
}
