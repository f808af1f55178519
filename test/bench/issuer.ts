import { FACTORY_ID, importFactoryKey } from '../e2e/stage/factory-key.ts';
import { idle, RUNS } from './memory.ts';
import { least, type Reading } from './reading.ts';
import { at, ENVIRONMENT, FLAGS, type Stand } from './stand.ts';

const AZURE = { 'leaf.issuer': '"azure"', 'onboarding.key': JSON.stringify(`pkcs11:id=%${FACTORY_ID}`) };

/** What a gateway costs whose leaves Azure issues, beside one that asks a CA by EST. */
export async function issuer(stand: Stand): Promise<readonly Reading[]> {
  const est = await stand.gateway('est');
  const azure = await stand.gateway('azure', FLAGS, AZURE, async (gateway) =>
    importFactoryKey(gateway, await stand.far.clientIdentity(gateway.registrationId)),
  );
  const [off, on] = [await idle(stand, est, RUNS, ENVIRONMENT), await idle(stand, azure, RUNS, ENVIRONMENT)];
  const starts = { off: [] as number[], on: [] as number[] };
  // By turns: a busy machine slows down both.
  for (let run = 0; run < RUNS; run++) {
    for (const [gateway, found] of [
      [est, starts.off],
      [azure, starts.on],
    ] as const) {
      await stand.news(gateway.registrationId);
      const forked = await stand.start(gateway);
      found.push(at(await stand.news(gateway.registrationId), { event: 'connected' }) - forked);
      await gateway.stop();
    }
  }
  return [
    { name: 'idle PSS, Azure issues', value: on.pss, unit: 'MiB', floor: off.pss },
    { name: 'idle Pss_Anon, Azure issues', value: on.anon, unit: 'MiB', floor: off.anon },
    { name: 'start to CONNACK, Azure issues', value: least(starts.on), unit: 'ms', floor: least(starts.off) },
  ];
}
