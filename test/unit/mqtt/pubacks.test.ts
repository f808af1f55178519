import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Tap, type TapOptions } from '../../../agent/mqtt/tap.ts';
import { LOOPBACK, TestCa } from './certificates.ts';
import { FarSide } from './far-side.ts';

const ca = new TestCa();
const server = ca.issue('hub', LOOPBACK);
const connector = ca.connector(ca.issue('gw-0001'));
const OPTIONS = { clientId: 'gw-0001', protocolVersion: 4, clean: true, key: 'unused', cert: 'unused' } as const;

const tapTo = (host: string, { admit }: Pick<TapOptions, 'admit'>): Tap =>
  new Tap({ host, connector, connectMs: 60_000, admit });

/** The identifiers of the PUBACKs that came. */
const pubacks = (far: FarSide): (number | undefined)[] =>
  far.received.flatMap((packet) => (packet.cmd === 'puback' ? [packet.messageId] : []));

/** A tap whose owner takes each message by a promise, and settles it when the test says so. */
async function taking(far: FarSide) {
  const settle = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  const tap = tapTo(far.host, {
    admit: ({ topic }) =>
      topic.startsWith('sdk')
        ? true
        : new Promise<void>((resolve, reject) => {
            settle.set(topic, { resolve, reject });
          }),
  });
  const client = tap.connect('', OPTIONS);
  const topics: string[] = [];
  client.on('message', (topic) => topics.push(topic));
  await once(client, 'connect');
  const link = far.links[0];
  assert(link !== undefined);
  const send = async (topic: string, qos: 0 | 1, messageId: number) => {
    link.publish(topic, 'x', qos, messageId);
    while (!settle.has(topic) && !topics.includes(topic)) await once(client, 'packetreceive');
  };
  /** What was sent before has arrived: the answer to a PINGREQ comes after it. */
  const arrived = async () => {
    const before = far.received.length;
    client.publish('fence', '', { qos: 0 });
    await far.until(() => far.received.slice(before).some((packet) => packet.cmd === 'publish'));
  };
  return { tap, topics, settle, send, arrived };
}

test('PUBACKs are in the order of arrival, where a promise is late; the SDK sees only what is admitted', async () => {
  await using far = await FarSide.start(server);
  const { tap, topics, settle, send, arrived } = await taking(far);
  await send('slow', 1, 11);
  await send('sdk', 1, 12);
  await send('quick', 1, 13);
  await send('plain', 0, 0);
  settle.get('quick')?.resolve();
  await arrived();
  assert.deepEqual(pubacks(far), []);
  settle.get('slow')?.resolve();
  await far.until(() => pubacks(far).length === 3);
  assert.deepEqual(pubacks(far), [11, 12, 13]);
  assert.deepEqual(
    topics.filter((topic) => topic !== ''),
    ['sdk'],
  );
  tap.end();
  await tap.closed;
});

test('a message whose promise is rejected gets no PUBACK, nor do those behind it; the session goes on', async () => {
  await using far = await FarSide.start(server);
  const { tap, settle, send, arrived } = await taking(far);
  await send('good', 1, 11);
  await send('bad', 1, 12);
  await send('behind', 1, 13);
  await send('plain', 0, 0);
  settle.get('plain')?.reject(new Error('no'));
  settle.get('bad')?.reject(new Error('no'));
  settle.get('behind')?.resolve();
  settle.get('good')?.resolve();
  await far.until(() => pubacks(far).length === 1);
  await arrived();
  assert.deepEqual(pubacks(far), [11]);
  assert.equal(far.open, 1);
  tap.end();
  await tap.closed;
});

test('a promise that is fulfilled after the end: no PUBACK, no error', async () => {
  await using far = await FarSide.start(server);
  const { tap, settle, send } = await taking(far);
  await send('slow', 1, 11);
  tap.end();
  settle.get('slow')?.resolve();
  await tap.closed;
  await far.until(() => far.open === 0);
  settle.get('slow')?.resolve();
  assert.equal(far.received.at(-1)?.cmd, 'disconnect');
});

test('a message that arrives after the end is neither admitted nor acknowledged: it stays with the server', async () => {
  await using far = await FarSide.start(server);
  const seen: string[] = [];
  const tap = tapTo(far.host, {
    admit({ topic }) {
      seen.push(topic);
      tap.end();
      return Promise.resolve();
    },
  });
  await once(tap.connect('', OPTIONS), 'connect');
  far.links[0]?.socket.cork();
  far.links[0]?.publish('first', 'x', 1, 11);
  far.links[0]?.publish('late', 'x', 1, 12);
  far.links[0]?.socket.uncork();
  await tap.closed;
  await far.until(() => far.open === 0);
  assert.deepEqual(seen, ['first']);
  assert(!pubacks(far).includes(12));
});
