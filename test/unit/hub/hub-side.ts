import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { createHub, type HubOptions } from '../../../agent/hub/session.ts';
import type { Hub, HubSignal } from '../../../agent/roll/ports.ts';
import { Queue } from '../../../agent/time/queue.ts';
import type { TestClock } from '../clock.ts';
import { LOOPBACK, leafNamed, TestCa } from '../mqtt/certificates.ts';
import { FarSide, type Link, type Script } from '../mqtt/far-side.ts';

export { codeOf } from '../mqtt/code-of.ts';

const ca = new TestCa();
const server = ca.issue('hub', LOOPBACK);
const connector = ca.connector(ca.issue('gw-0001'));

export const TWIN = '{"desired":{"$version":1},"reported":{"$version":1}}';

/** What a hub does: answers twin reads with `twin`, and twin writes with 204. */
export function serving(twin = TWIN, more: Script = {}): Script {
  return {
    onPublish({ topic }, link) {
      const rid = /\$rid=([^&]*)/.exec(topic)?.[1];
      if (topic.startsWith('$iothub/twin/GET/')) link.publish(`$iothub/twin/res/200/?$rid=${rid}`, twin);
      if (topic.startsWith('$iothub/twin/PATCH/')) link.publish(`$iothub/twin/res/204/?$rid=${rid}&$version=2`);
    },
    ...more,
  };
}

export const startHub = (script: Script = serving()): Promise<FarSide> => FarSide.start(server, script);

const TWIN_MS = 60_000;

export const newHub = (more: Partial<HubOptions> = {}): Hub =>
  createHub({
    connectorFor: () => Promise.resolve(connector),
    answer: () => Promise.resolve({ status: 202, body: { id: 'r-1' } }),
    version: '1.2.3',
    connectMs: 60_000,
    twinMs: TWIN_MS,
    ...more,
  });

/** A hub that does nothing but connect. */
export const hubThat = (connect: Hub['connect'], more: Partial<Hub> = {}): Hub => ({
  connect,
  signals: new Queue<HubSignal>(),
  silentMs: () => undefined,
  report: async () => {},
  close: async () => {},
  ...more,
});

/** A hub, and a session with it; both end with the test. */
export async function connected(more: Partial<HubOptions> = {}, script: Script = serving()) {
  const far = await startHub(script);
  const hub = newHub(more);
  await hub.connect(leafNamed('AA'), at(far), never);
  return {
    far,
    hub,
    link: far.links[0] ?? assert.fail('no connection'),
    async [Symbol.asyncDispose]() {
      await hub.close();
      await far[Symbol.asyncDispose]();
    },
  };
}

/** Waits until an answer about the twin is waited for, and lets its time pass. */
export async function leftUnanswered(clock: TestClock): Promise<void> {
  await clock.asleep();
  await clock.pass(TWIN_MS);
}

export const at = (far: FarSide) => ({ hub: far.host, deviceId: 'gw-0001' });
export const never = new AbortController().signal;

/** The bodies of the reported properties that were written. */
export const written = (far: FarSide): unknown[] =>
  far.received.flatMap((packet) =>
    packet.cmd === 'publish' && packet.topic.startsWith('$iothub/twin/PATCH/')
      ? [JSON.parse(String(packet.payload))]
      : [],
  );

/** Calls a direct method and waits for its answer. */
export async function call(
  far: FarSide,
  link: Link | undefined,
  name: string,
  payload: string,
): Promise<[string, unknown]> {
  assert(link !== undefined);
  const rid = `${name}-${far.received.length}`;
  const answered = () => far.published('$iothub/methods/res/').filter((topic) => topic.endsWith(`?$rid=${rid}`));
  link.publish(`$iothub/methods/POST/${name}/?$rid=${rid}`, payload);
  await far.until(() => answered().length > 0);
  const [topic = ''] = answered();
  const packet = far.received.find((p) => p.cmd === 'publish' && p.topic === topic);
  assert(packet?.cmd === 'publish');
  return [topic.split('/')[3] ?? '', JSON.parse(String(packet.payload))];
}

/** The next signal. */
export async function nextSignal(hub: Hub): Promise<HubSignal> {
  const { value } = await hub.signals[Symbol.asyncIterator]().next();
  return value ?? assert.fail('no signal');
}

/** The signals that are there by now: what has closed on our side is a signal within a few turns of the event loop. */
export async function signalsSoFar(hub: Hub): Promise<HubSignal[]> {
  const signals: HubSignal[] = [];
  const iterator = hub.signals[Symbol.asyncIterator]();
  let next = iterator.next();
  for (let turn = 0; turn < 20; turn += 1) {
    const signal = await Promise.race([next, setImmediate()]);
    if (signal?.value === undefined) continue;
    signals.push(signal.value);
    next = iterator.next();
  }
  return signals;
}
