import { bareNode } from './bare.ts';
import { least, type Reading } from './reading.ts';
import { at, type Stand } from './stand.ts';

const RUNS = 5;

/** From fork to CONNACK 0 as the hub sees it, with a journal: no registration stands in between. */
export async function start(stand: Stand): Promise<readonly Reading[]> {
  const gateway = await stand.gateway('start');
  const bare: number[] = [];
  const found: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const node = await bareNode();
    bare.push(node.startMs);
    await node.end();
    await stand.news(gateway.registrationId);
    const forked = await stand.start(gateway);
    found.push(at(await stand.news(gateway.registrationId), { event: 'connected' }) - forked);
    await gateway.stop();
  }
  return [{ name: 'start to CONNACK', value: least(found), unit: 'ms', floor: least(bare) }];
}
