import { setTimeout as pause } from 'node:timers/promises';
import { type Work, workOf } from './proc.ts';
import type { Reading } from './reading.ts';
import { now, type Stand } from './stand.ts';

/** V8 collects what is left of the start within the first seconds. */
const CALM_S = 12;
/** The daemon looks at clock and inbox a minute after its start, and every minute: its look lies between these two. */
const BEFORE_LOOK_S = 58;
const AFTER_LOOK_S = 63;

/** What an idle daemon does in a minute: one look, and for the rest of it what it does anyway. */
export async function rest(stand: Stand): Promise<readonly Reading[]> {
  const gateway = await stand.gateway('rest');
  const forked = await stand.start(gateway);
  const workAt = async (second: number): Promise<Work> => {
    await pause(forked + second * 1_000 - now());
    return workOf(gateway.pid);
  };
  const calm = await workAt(CALM_S);
  const before = await workAt(BEFORE_LOOK_S);
  const after = await workAt(AFTER_LOOK_S);
  await gateway.stop();
  const inMinute = (of: keyof Work) => {
    const otherwise = (before[of] - calm[of]) / (BEFORE_LOOK_S - CALM_S);
    return after[of] - before[of] + otherwise * (60 - (AFTER_LOOK_S - BEFORE_LOOK_S));
  };
  return [
    { name: 'idle CPU', value: inMinute('cpuMs') * 60, unit: 'ms/h' },
    { name: 'idle wake-ups', value: inMinute('sleeps') / 60, unit: '1/s' },
  ];
}
