import { X509Certificate } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { IPublishPacket, Packet } from 'mqtt-packet';
import { hubUsername, knock, knockHub } from '../../../test/clients/raw.ts';
import { Wire } from '../../../test/clients/wire.ts';
import type { Identity } from '../../../test/simulator/ca.ts';
import type { Ground } from './ground.ts';
import { bodyInWords, known, registering } from './probe.ts';
import type { Answer, Question } from './question.ts';
import { WATCH_S } from './told.ts';
import { webSocket } from './websocket-question.ts';

const WATCH_MS = 10_000;
/** How long the leaf lives whose session is watched. */
export const LEAF_MS = 60_000;
const PING_MS = 20_000;
const UNKNOWN_VERSION = '2031-01-01';
/** "At most 32 KB" of reported properties; a text may have 4 KB. */
const TOO_MANY = 10;
const TEXT = 'x'.repeat(4_000);

async function session(ground: Ground, id: string): Promise<Wire> {
  const leaf = await known(ground, id);
  return Wire.enter(ground.endpoints, ground.endpoints.hub1, id, leaf);
}

/** The next packet, that the connection was closed, or that nothing came. */
const next = (wire: Wire): Promise<Packet | 'closed' | 'silence'> =>
  Promise.race([wire.next().catch(() => 'closed' as const), pause(WATCH_MS, 'silence' as const, { ref: false })]);

async function sixth(ground: Ground): Promise<Answer> {
  const id = 'q-sixth';
  const wire = await session(ground, id);
  const topics = [
    '$iothub/twin/res/#',
    '$iothub/methods/POST/#',
    '$iothub/twin/PATCH/properties/desired/#',
    `devices/${id}/messages/devicebound/#`,
    // Two more of the documented ones: filters that are narrower count as other topics.
    '$iothub/methods/POST/one/#',
    '$iothub/methods/POST/two/#',
  ];
  const granted: string[] = [];
  for (const topic of topics) {
    wire.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 0 }] });
    const packet = await next(wire);
    granted.push(
      typeof packet === 'string' ? packet : packet.cmd === 'suback' ? String(packet.granted[0]) : packet.cmd,
    );
    if (packet === 'closed') break;
  }
  await wire.leave();
  const last = granted.length === topics.length ? granted.at(-1) : undefined;
  const position = last === 'closed' ? 'close' : last === '128' ? 'refuse' : undefined;
  return {
    positions: position ? { sixthSubscription: position } : {},
    seen: `one after the other: ${granted.join(', ')}`,
  };
}

const isMail = (packet: Packet | 'closed' | 'silence'): packet is IPublishPacket =>
  typeof packet === 'object' && packet.cmd === 'publish';

/** @param send sends a message to a device, as a back end does */
export const inOrder =
  (send: (id: string, body: string) => Promise<void>): Question['ask'] =>
  async (ground) => {
    const id = 'q-order';
    const wire = await session(ground, id);
    await wire.subscribe(`devices/${id}/messages/devicebound/#`, 1);
    for (const body of ['first', 'second']) await send(id, body);
    const [one, two] = [await next(wire), await next(wire)];
    if (!isMail(one) || !isMail(two)) {
      await wire.leave();
      return { positions: {}, seen: 'the two messages did not come' };
    }
    for (const { messageId = 0 } of [two, one]) wire.send({ cmd: 'puback', messageId });
    const after = await next(wire);
    await wire.leave();
    const isClosed = after === 'closed';
    return {
      positions: after === 'closed' || after === 'silence' ? { acksInOrder: isClosed } : {},
      seen: `after the PUBACK of the second message before that of the first: ${typeof after === 'string' ? after : after.cmd}`,
    };
  };

async function oversized(ground: Ground): Promise<Answer> {
  const wire = await session(ground, 'q-oversized');
  await wire.subscribe('$iothub/twin/res/#', 0);
  const payload = JSON.stringify(Object.fromEntries(Array.from({ length: TOO_MANY }, (_, n) => [`p${n}`, TEXT])));
  const topic = '$iothub/twin/PATCH/properties/reported/?$rid=1';
  wire.send({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false });
  const packet = await next(wire);
  await wire.leave();
  const [, code] = (isMail(packet) && /^\$iothub\/twin\/res\/(\d+)/.exec(packet.topic)) || [];
  const seen = isMail(packet)
    ? [code ?? packet.topic, ...bodyInWords(String(packet.payload))].join(', ')
    : typeof packet === 'string'
      ? packet
      : packet.cmd;
  const status = Number(code);
  return { positions: status === 403 || status === 400 || status === 413 ? { oversizedReported: status } : {}, seen };
}

async function versions(ground: Ground): Promise<Answer> {
  const id = 'q-hub-versions';
  const leaf = await known(ground, id);
  const { hub1, trustPem } = ground.endpoints;
  const taken = new Map<string, number | undefined>();
  for (const version of ['2021-04-12', '2025-08-01-preview', '2026-11-01-preview', UNKNOWN_VERSION]) {
    const username = hubUsername(hub1, id, version);
    const { connack, client } = await knock(hub1, trustPem, leaf, { clientId: id, username });
    client.end(true);
    taken.set(version, connack);
  }
  const isTaken = (version: string): boolean => taken.get(version) === 0;
  const newest = isTaken('2025-08-01-preview') ? 'preview' : 'classic';
  const seen = [...taken].map(([version, connack]) => `${version}: ${connack ?? 'closed'}`).join(' · ');
  return { positions: { hubVersions: isTaken(UNKNOWN_VERSION) ? 'any' : newest }, seen };
}

/** What only the wire tells of a connect: the CONNACK, or how the connection ended. */
async function refusal({ endpoints }: Ground, id: string, leaf: Identity): Promise<string> {
  const { connack, error = '', client } = await knockHub(endpoints, endpoints.hub1, id, leaf);
  client.end(true);
  return connack === undefined ? `closed ${error}`.trim() : `CONNACK ${connack}`;
}

/** No switch: these are faults of the simulator. */
async function refusals(ground: Ground): Promise<Answer> {
  const id = 'q-refused';
  await known(ground, id);
  const other = await refusal(ground, id, await ground.ca.clientIdentity(id));
  const absent = await refusal(ground, 'q-absent', await ground.ca.clientIdentity('q-absent'));
  return { positions: {}, seen: `another leaf: ${other} · a device that is not there: ${absent}` };
}

/** @param watchMs how long after its leaf has ended a session is watched */
export const endOfLeaf =
  (watchMs: number): Question['ask'] =>
  async (ground) => {
    const id = 'q-end';
    const leaf = await ground.ca.clientIdentity(id, { lifetimeMs: LEAF_MS });
    const end = Date.parse(new X509Certificate(leaf.cert).validTo);
    const registered = await registering(ground, id, leaf);
    const wire = await Wire.enter(ground.endpoints, ground.endpoints.hub1, id, leaf).catch((error: Error) => {
      throw new Error(`${error.message}; DPS: ${registered.seen}`);
    });
    const ping = setInterval(() => wire.send({ cmd: 'pingreq' }), PING_MS);
    const closed = wire.closed.then(() => Date.now());
    const endedAt = await Promise.race([closed, pause(end + watchMs - Date.now(), undefined, { ref: false })]);
    clearInterval(ping);
    await wire.leave();
    // A session that ends before its leaf ends for another reason.
    const after = endedAt === undefined ? undefined : Math.round((endedAt - end) / 1_000);
    if (after !== undefined && after < 0) {
      return { positions: {}, seen: `the session ended ${-after} s before its leaf` };
    }
    const lived =
      after === undefined ? `lives ${watchMs / 1_000} s after its leaf has ended` : `ended ${after} s after its leaf`;
    const anew = await refusal(ground, id, leaf);
    const seen = `the session ${lived} · with it anew: ${anew}`;
    if (after !== undefined || watchMs >= WATCH_S * 1_000) {
      return { positions: { sessionsEndAtNotAfter: after !== undefined }, seen };
    }
    return { positions: {}, seen, open: `open, as it was watched for ${watchMs / 1_000} s and not for ${WATCH_S}` };
  };

export const HUB_QUESTIONS: readonly Question[] = [
  { title: 'A sixth subscription', of: ['sixthSubscription'], ask: sixth },
  { title: 'Reported properties beyond 32 KB', of: ['oversizedReported'], ask: oversized },
  { title: 'When the certificate of a WebSocket is asked for', of: ['webSocketCertificate'], ask: webSocket },
  { title: 'How a hub refuses', of: [], ask: refusals },
  { title: 'Which api-versions a hub knows', of: ['hubVersions'], ask: versions },
];
