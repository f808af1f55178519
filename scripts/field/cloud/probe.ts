import { setTimeout as pause } from 'node:timers/promises';
import { askDps, type DpsAnswer, knockDps, knockHub, pollTopic, putTopic } from '../../../test/clients/raw.ts';
import type { ClientIdentity, Identity } from '../../../test/simulator/ca.ts';
import type { Ground } from './ground.ts';

const DEFAULT_RETRY_S = 2;

/** How a registration went, as only the wire tells it. */
export interface Registered {
  /** `assigned`, `disabled` and `failed` are words of DPS; `refused` is a status that is no 2xx. */
  readonly end: 'assigned' | 'disabled' | 'failed' | 'refused' | 'closed';
  /** The answers, the first one first. */
  readonly answers: readonly DpsAnswer[];
  /** In words, for the report. */
  readonly seen: string;
}

/** The text of `retry-after` in the topic of an answer. */
export const retryAfterOf = ({ topic }: DpsAnswer): string => /[?&]retry-after=([^&]*)/.exec(topic)?.[1] ?? '';

/** Registers without the SDK: what DPS answers is kept as it came. */
export async function registering(
  { endpoints }: Ground,
  id: string,
  identity: Identity,
  body: object = { registrationId: id },
): Promise<Registered> {
  const { client, connack, error = '' } = await knockDps(endpoints, id, identity);
  try {
    if (connack !== 0) {
      const seen = connack === undefined ? `closed before CONNACK ${error}`.trim() : `CONNACK ${connack}`;
      return { end: connack === undefined ? 'closed' : 'refused', answers: [], seen };
    }
    await new Promise((resolve) => client.subscribe('$dps/registrations/res/#', { qos: 1 }, resolve));
    const answers: DpsAnswer[] = [];
    let answer = await askDps(client, putTopic(), JSON.stringify(body));
    for (let rid = 2; answer !== 'closed'; rid += 1) {
      answers.push(answer);
      const { operationId } = bodyOf(answer);
      if (!answer.topic.startsWith('202') || operationId === undefined) break;
      await pause(Number(retryAfterOf(answer) || DEFAULT_RETRY_S) * 1_000);
      answer = await askDps(client, pollTopic(operationId, String(rid)), '');
    }
    return concluded(answers, answer === 'closed');
  } finally {
    client.end(true);
  }
}

function concluded(answers: readonly DpsAnswer[], isClosed: boolean): Registered {
  const seen = [...answers.map(toldBy), ...(isClosed ? ['closed'] : [])].join(' · ');
  const last = answers.at(-1);
  if (isClosed || last === undefined) return { end: 'closed', answers, seen };
  const { status } = bodyOf(last);
  const isWord = status === 'assigned' || status === 'disabled' || status === 'failed';
  return { end: last.topic.startsWith('2') && isWord ? status : 'refused', answers, seen };
}

function toldBy(answer: DpsAnswer): string {
  const retryAfter = retryAfterOf(answer);
  const [status = ''] = answer.topic.split('/');
  return [status, ...(retryAfter === '' ? [] : [`retry-after ${retryAfter}`]), ...bodyInWords(answer.body)].join(', ');
}

/** What differs from one run to the next, or says again who asked. */
const NOISE: ReadonlySet<string> = new Set([
  ...['operationId', 'trackingId', 'etag', 'registrationId', 'deviceId', 'assignedHub'],
  ...['timestampUtc', 'createdDateTimeUtc', 'lastUpdatedDateTimeUtc'],
]);

/** What a body in JSON says, as `errorCode 401002`; as it came where it is none. It is in the wire as a whole. */
export function bodyInWords(body: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' ? [...new Set(entriesOf(value))] : [body];
  } catch {
    return body === '' ? [] : [body];
  }
}

const entriesOf = (value: unknown): readonly string[] =>
  Object.entries(Object(value)).flatMap(([name, inner]) => {
    if (NOISE.has(name)) return [];
    return typeof inner === 'object' && inner !== null ? entriesOf(inner) : [`${name} ${inner}`];
  });

function bodyOf({ body }: DpsAnswer): { readonly operationId?: string; readonly status?: string } {
  try {
    return JSON.parse(body);
  } catch {
    return {};
  }
}

/** The CONNACK of the hub, or `closed`. */
export async function knocking({ endpoints }: Ground, id: string, identity: Identity): Promise<number | 'closed'> {
  const { connack, client } = await knockHub(endpoints, endpoints.hub1, id, identity);
  client.end(true);
  return connack ?? 'closed';
}

/** @throws Error where a leaf opens the hub or DPS, by another program than newleaf */
export async function shutOut(ground: Ground, id: string, leaf: ClientIdentity): Promise<void> {
  const connack = await knocking(ground, id, leaf);
  if (connack === 0) throw new Error(`The hub lets ${leaf.thumbprint} in, which is revoked.`);
  const { end, seen } = await registering(ground, id, leaf);
  if (end === 'assigned') throw new Error(`DPS admits ${leaf.thumbprint}, which is revoked: ${seen}`);
}

/** A device of the group that the hub knows. @throws Error where it does not let it in */
export async function known(ground: Ground, id: string): Promise<Identity> {
  const leaf = await ground.ca.clientIdentity(id);
  const { seen } = await registering(ground, id, leaf);
  for (let left = 20; (await knocking(ground, id, leaf)) !== 0; left -= 1) {
    if (left === 0) throw new Error(`The hub does not let ${id} in: ${seen}`);
    await pause(1_000);
  }
  return leaf;
}
