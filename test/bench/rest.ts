import { setTimeout as pause } from 'node:timers/promises';
import { bareNode } from './bare.ts';
import { type Work, workOf } from './proc.ts';
import { least, type Reading, short } from './reading.ts';
import { now, type Stand } from './stand.ts';

const MINUTE_S = 60;
const MINUTES_AN_HOUR = 60;
/** V8 collects what is left of the start within the first seconds; the first look of both is after this. */
const CALM_S = 30;
const MINUTES = 3;

/**
 * A processor that slept has cold caches: an empty timer that fires once a minute costs 2 ms on a machine that is busy, and 8 ms
 * on one that is not. So the floor is a Node that looks at as many files as the daemon, each minute, 20 s before it.
 */
const LOOKS = `
const { readdir, stat } = require('node:fs/promises');
const look = async () => { for (let file = 0; file < 6; file++) await stat('/tmp'); await readdir('/tmp'); };
setTimeout(() => { look(); setInterval(look, ${MINUTE_S * 1_000}); }, ${(MINUTE_S - 20) * 1_000})`;

/** What an idle daemon does in a minute: one look at clock and inbox, and whatever else. The least of some minutes. */
export async function rest(stand: Stand): Promise<readonly Reading[]> {
  const gateway = await stand.gateway('rest');
  const forked = await stand.start(gateway);
  const bare = await bareNode(LOOKS);
  const [daemon, floor] = await Promise.all([minutesOf(gateway.pid, forked), minutesOf(bare.pid, forked)]);
  await Promise.all([gateway.stop(), bare.end()]);
  const cpu = (work: readonly Work[]) => work.map(({ cpuMs }) => cpuMs);
  const listed = (work: readonly Work[]) => cpu(work).map(short).join(', ');
  return [
    {
      name: 'idle CPU',
      value: least(cpu(daemon)) * MINUTES_AN_HOUR,
      unit: 'ms/h',
      floor: least(cpu(floor)) * MINUTES_AN_HOUR,
      note: `minutes of ${listed(daemon)} ms, of the floor ${listed(floor)} ms`,
    },
    { name: 'idle wake-ups', value: least(daemon.map(({ sleeps }) => sleeps)) / MINUTE_S, unit: '1/s' },
  ];
}

async function minutesOf(pid: number, forked: number): Promise<readonly Work[]> {
  const workAt = async (second: number): Promise<Work> => {
    await pause(forked + second * 1_000 - now());
    return workOf(pid);
  };
  const minutes: Work[] = [];
  let before = await workAt(CALM_S);
  for (let minute = 1; minute <= MINUTES; minute++) {
    const after = await workAt(CALM_S + minute * MINUTE_S);
    minutes.push({ cpuMs: after.cpuMs - before.cpuMs, sleeps: after.sleeps - before.sleeps });
    before = after;
  }
  return minutes;
}
