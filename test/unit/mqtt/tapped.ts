import { once } from 'node:events';
import { Tap, type TapOptions } from '../../../agent/mqtt/tap.ts';
import { LOOPBACK, TestCa } from './certificates.ts';
import { FarSide, type Script } from './far-side.ts';

export const ca = new TestCa();
export const server = ca.issue('hub', LOOPBACK);
const connector = ca.connector(ca.issue('gw-0001'));

/** MqttBase demands key and cert; a tap uses neither. */
export const OPTIONS = { clientId: 'gw-0001', protocolVersion: 4, clean: true, key: 'unused', cert: 'unused' } as const;

export const tapTo = (host: string, more: Partial<TapOptions> = {}): Tap =>
  new Tap({ host, connector, connectMs: 60_000, admit: () => true, ...more });

/** A far side, and a tap that has its CONNACK 0; both end with the test. */
export async function connected(script: Script = {}, more: Partial<TapOptions> = {}, options: object = {}) {
  const far = await FarSide.start(server, script);
  const tap = tapTo(far.host, more);
  const client = tap.connect('', { ...OPTIONS, ...options });
  const topics: string[] = [];
  client.on('message', (topic) => topics.push(topic));
  await once(client, 'connect');
  return {
    far,
    tap,
    client,
    /** Of the messages that the SDK has got. */
    topics,
    socket: far.links[0]?.socket,
    publish: (topic: string, qos: 0 | 1 = 0, messageId = 77) => far.links[0]?.publish(topic, 'x', qos, messageId),
    async [Symbol.asyncDispose]() {
      tap.end();
      await tap.closed;
      await far[Symbol.asyncDispose]();
    },
  };
}
