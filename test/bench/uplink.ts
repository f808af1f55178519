import { setTimeout as pause } from 'node:timers/promises';
import { Counting } from '../e2e/stage/counting.ts';
import { memoryOf } from './proc.ts';
import { type Reading, short } from './reading.ts';
import type { Stand } from './stand.ts';

const PROGRAMS = ['one', 'two', 'three', 'four', 'five'];
/** Of all of them. */
const PER_SECOND = 20;
const SENDING_MS = 60_000;
const ROLL_MS = 5_000;

/** What five programs cost that send 20 messages a second for a minute, and what they see of a roll. */
export async function uplink(stand: Stand): Promise<readonly Reading[]> {
  const gateway = await stand.gateway('uplink');
  await stand.start(gateway);
  await stand.calm();
  const off = memoryOf(gateway.pid);
  const everyMs = (1_000 * PROGRAMS.length) / PER_SECOND;
  const programs: Counting[] = [];
  for (const name of PROGRAMS) programs.push(new Counting(name, await gateway.program(name), { everyMs }));
  await pause(SENDING_MS);
  const on = memoryOf(gateway.pid);
  const before = programs.map(({ tookMs }) => tookMs.length);
  await gateway.post('/v1/roll', { id: 'roll' });
  await pause(ROLL_MS);
  const during = programs.flatMap(({ tookMs }, index) => tookMs.slice(before[index]));
  for (const program of programs) await program.finish();
  const all = programs.flatMap(({ tookMs }) => tookMs);
  await gateway.stop();
  const losses = programs.reduce((sum, program) => sum + program.losses, 0);
  return [
    { name: 'PSS gained by five programs', value: on.pss - off.pss, unit: 'MiB', note: `${short(off.pss)} before` },
    { name: 'Pss_Anon gained by five programs', value: on.anon - off.anon, unit: 'MiB' },
    { name: 'PUBACK, p99', value: p99(all), unit: 'ms', note: `of ${all.length} messages` },
    { name: 'PUBACK at a roll, p99', value: p99(during), unit: 'ms', note: `of ${during.length} messages` },
    { name: 'connections of programs lost at a roll', value: losses, unit: '' },
  ];
}

const p99 = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[Math.floor(values.length * 0.99)] ?? 0;
