import type { Gateway } from '../e2e/stage/gateway.ts';
import { destroyingChild, type Parts, rawRolls } from './raw-roll.ts';
import { type Reading, short } from './reading.ts';
import { at, now, type Stand } from './stand.ts';

const RUNS = 5;
/** What lies between two moments that the far side sees. */
const PARTS = ['key and CSR', 'EST', 'DPS', 'hub and twin', 'destroy'];

/** A whole roll of an EC key, asked for by a technician. */
export async function roll(stand: Stand): Promise<readonly Reading[]> {
  await stand.far.set({ answerAtOnce: true });
  const raw = quickest(await rawRolls(stand, RUNS));
  const child = await destroyingChild(stand);
  const gateway = await stand.gateway('roll');
  await stand.start(gateway);
  const rolls: Parts[] = [];
  for (let run = 0; run < RUNS; run++) rolls.push(await rolled(stand, gateway));
  await gateway.stop();
  await stand.far.set({ answerAtOnce: false });

  const whole = quickest(rolls);
  const destroying = whole.get('destroy') ?? 0;
  return [
    {
      name: 'roll, until the new leaf serves',
      value: total(whole) - destroying,
      unit: 'ms',
      floor: total(raw) - (raw.get('destroy') ?? 0),
      note: told(whole),
    },
    {
      name: 'roll, until the old key is destroyed',
      value: total(whole),
      unit: 'ms',
      floor: total(raw) + child,
      note: told(raw),
    },
    { name: 'destroying child', value: destroying, unit: 'ms', floor: child },
  ];
}

async function rolled(stand: Stand, gateway: Gateway): Promise<Parts> {
  await stand.news(gateway.registrationId);
  const since = gateway.log.lines.length;
  const asked = now();
  const { status } = await gateway.post('/v1/roll');
  if (status !== 202) throw new Error(`/v1/roll: ${status}`);
  await gateway.log.waitFor({ event: 'transition', to: 'serving' }, { since });
  const ended = now();
  const seen = await stand.news(gateway.registrationId);
  const [est, dps, hub] = (['est', 'dps', 'hub1'] as const).map((server) => at(seen, { event: 'tcp', server }));
  const moments = [asked, est, dps, hub, at(seen, { event: 'twin' }), ended];
  return new Map(PARTS.map((name, index) => [name, (moments[index + 1] ?? 0) - (moments[index] ?? 0)]));
}

const total = (parts: Parts): number => [...parts.values()].reduce((sum, ms) => sum + ms, 0);
const quickest = (rolls: readonly Parts[]): Parts =>
  rolls.reduce((best, one) => (total(one) < total(best) ? one : best));
const told = (parts: Parts): string => [...parts].map(([name, ms]) => `${name} ${short(ms)}`).join(', ');
