import { setTimeout as pause } from 'node:timers/promises';
import * as v from 'valibot';
import { knockDps, knockHub } from '../../../test/clients/raw.ts';
import type { Identity } from '../../../test/simulator/ca.ts';
import type { Ground } from './ground.ts';
import { knocking, registering } from './probe.ts';

const STEP_MS = 500;
const LONGEST_MS = 120_000;

/** Something that has no switch: how late a service knows what another has done. */
export interface Lag {
  readonly title: string;
  readonly seen: string;
}

/** Asks until it is so. @returns milliseconds, or `never` within two minutes */
async function until(isSo: () => Promise<boolean>): Promise<number | 'never'> {
  const from = Date.now();
  while (!(await isSo())) {
    if (Date.now() - from > LONGEST_MS) return 'never';
    await pause(STEP_MS);
  }
  return Date.now() - from;
}

const List = v.looseObject({ devices: v.array(v.looseObject({ deviceId: v.string() })) });

/** Waits until a query of the hub finds the device. A query "may lag behind by minutes". */
export const findable = ({ operator }: Ground, id: string): Promise<number | 'never'> =>
  until(async () => {
    const { out } = await operator.types(`enroll list devices --where "deviceId = '${id}'" --json`);
    return v.parse(List, JSON.parse(out)).devices.some(({ deviceId }) => deviceId === id);
  });

/** Waits until the DPS of devices takes connections for an ID scope that was made a moment ago. */
export async function scopeKnown({ ca, endpoints }: Ground): Promise<Lag> {
  const leaf = await ca.clientIdentity('t-scope');
  const ms = await until(async () => {
    const { connack, client } = await knockDps(endpoints, 't-scope', leaf);
    client.end(true);
    return connack === 0;
  });
  return { title: 'DPS takes connections for a new ID scope', seen: `after ${ms} ms` };
}

/** After a registration of another leaf: how often the hub refuses it, and until when. */
async function afterRegistration(ground: Ground, id: string, leaf: Identity): Promise<string> {
  const registered = await registering(ground, id, leaf);
  let refused = 0;
  const ms = await until(async () => {
    const connack = await knocking(ground, id, leaf);
    if (connack !== 0) refused += 1;
    return connack === 0;
  });
  return `${registered.end}; ${refused} connects refused, then accepted after ${ms} ms`;
}

/** How long a session lives on after the operator has ended it. */
async function sessionEnd(ground: Ground, id: string, leaf: Identity, line: string): Promise<string> {
  const { endpoints, operator } = ground;
  const { client, connack } = await knockHub(endpoints, endpoints.hub1, id, leaf);
  if (connack !== 0) return `CONNACK ${connack}`;
  let closedAt: number | undefined;
  client.once('close', () => {
    closedAt = Date.now();
  });
  await operator.types(line);
  const typedAt = Date.now();
  const ms = await until(async () => closedAt !== undefined);
  client.end(true);
  return ms === 'never' ? 'it lives on' : `it ended ${Math.max(0, (closedAt ?? 0) - typedAt)} ms after the command did`;
}

/** Measures on a device of its own, which a group admits. */
export async function lags(ground: Ground, id: string): Promise<readonly Lag[]> {
  const { ca } = ground;
  const first = await ca.clientIdentity(id);
  const second = await ca.clientIdentity(id);
  const found: Lag[] = [];
  const measure = async (title: string, seen: Promise<string>): Promise<void> => {
    found.push({ title, seen: await seen.catch(({ message }: Error) => message) });
  };
  await measure('A hub knows a device that has registered for the first time', afterRegistration(ground, id, first));
  await measure(
    'A query of the hub finds it',
    findable(ground, id).then((ms) => `after ${ms} ms`),
  );
  await measure('A hub knows the leaf that a device has registered anew', afterRegistration(ground, id, second));
  const disable = `enroll disable-identity ${id}`;
  await measure('A session ends when its identity is disabled', sessionEnd(ground, id, second, disable));
  await ground.operator.types(`enroll enable-identity ${id}`);
  await measure('A session ends when its identity is deleted', sessionEnd(ground, id, second, `enroll forget ${id}`));
  return found;
}
