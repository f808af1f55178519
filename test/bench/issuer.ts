import { setTimeout as pause } from 'node:timers/promises';
import { FACTORY_ID, importFactoryKey } from '../e2e/stage/factory-key.ts';
import type { Gateway } from '../e2e/stage/gateway.ts';
import { IDLE_MS } from './memory.ts';
import { memoryOf } from './proc.ts';
import { measured, type Reading } from './reading.ts';
import { roundRobin } from './rounds.ts';
import { at, FLAGS, type Stand } from './stand.ts';

const AZURE = { 'leaf.issuer': '"azure"', 'onboarding.key': JSON.stringify(`pkcs11:id=%${FACTORY_ID}`) };
/** Of twelve seconds each. */
const ROUNDS = 3;

/** What a gateway costs whose leaves Azure issues, beside one that asks a CA by EST. */
export async function issuer(stand: Stand): Promise<readonly Reading[]> {
  const est = await stand.gateway('est');
  const azure = await stand.gateway('azure', FLAGS, AZURE, async (gateway) =>
    importFactoryKey(gateway, await stand.far.clientIdentity(gateway.registrationId)),
  );
  const run = (gateway: Gateway) => async () => {
    await stand.news(gateway.registrationId);
    const forked = await stand.start(gateway);
    const ms = at(await stand.news(gateway.registrationId), { event: 'connected' }) - forked;
    await pause(IDLE_MS);
    const { pss, anon } = memoryOf(gateway.pid);
    await gateway.stop();
    return { ms, pss, anon };
  };
  const found = await roundRobin({ est: run(est), azure: run(azure) }, ROUNDS);
  return [
    measured('idle PSS, Azure issues', 'MiB', found.azure.pss, found.est.pss),
    measured('idle Pss_Anon, Azure issues', 'MiB', found.azure.anon, found.est.anon),
    measured('start to CONNACK, Azure issues', 'ms', found.azure.ms, found.est.ms),
  ];
}
