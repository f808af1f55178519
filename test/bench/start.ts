import { bareNode } from './bare.ts';
import { cpuMsOf } from './proc.ts';
import { measured, type Reading } from './reading.ts';
import { roundRobin, SHORT_ROUNDS } from './rounds.ts';
import { at, now, type Stand } from './stand.ts';

/** From the fork, in milliseconds. */
type Start = { readonly ms: number; readonly cpuMs: number };

/** From fork to CONNACK 0 as the hub sees it, and to the twin, with a journal: no registration stands in between. */
export async function start(stand: Stand): Promise<readonly Reading[]> {
  const gateway = await stand.gateway('start');
  const found = await roundRobin<{ bare: Start; again: Start; newleaf: Start & { readonly connackMs: number } }>(
    {
      bare,
      async newleaf() {
        await stand.news(gateway.registrationId);
        const forked = await stand.start(gateway);
        const [ms, cpuMs] = [now() - forked, cpuMsOf(gateway.pid)];
        const connackMs = at(await stand.news(gateway.registrationId), { event: 'connected' }) - forked;
        await gateway.stop();
        return { ms, cpuMs, connackMs };
      },
      again: bare,
    },
    SHORT_ROUNDS,
  );
  return [
    measured('start to CONNACK', 'ms', found.newleaf.connackMs, found.bare.ms),
    measured('start until connected', 'ms', found.newleaf.ms, found.bare.ms),
    measured('CPU until connected', 'ms', found.newleaf.cpuMs, found.bare.cpuMs),
    measured('control: start of bare Node', 'ms', found.again.ms, found.bare.ms),
  ];
}

async function bare(): Promise<Start> {
  const { startMs: ms, cpuMs, end } = await bareNode();
  await end();
  return { ms, cpuMs };
}
