import { setTimeout as pause } from 'node:timers/promises';
import { workOf } from './proc.ts';
import type { Reading } from './reading.ts';
import type { Stand } from './stand.ts';

const HOUR_S = 3_600;
/** The daemon looks at the clock once a minute: the window holds one such look, and is scaled as if it held its share. */
const REST_S = 32;
const WINDOW_S = 30;

/** What an idle daemon does, with the keepalive of the SDK (180 s). */
export async function rest(stand: Stand): Promise<readonly Reading[]> {
  const gateway = await stand.gateway('rest');
  await stand.start(gateway);
  await pause(REST_S * 1_000);
  const before = workOf(gateway.pid);
  await pause(WINDOW_S * 1_000);
  const after = workOf(gateway.pid);
  await gateway.stop();
  return [
    { name: 'idle CPU', value: ((after.cpuMs - before.cpuMs) * HOUR_S) / WINDOW_S, unit: 'ms/h' },
    { name: 'idle wake-ups', value: (after.sleeps - before.sleeps) / WINDOW_S, unit: '1/s' },
  ];
}
