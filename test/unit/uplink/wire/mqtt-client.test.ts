import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import mqtt, { type IClientOptions } from 'mqtt';
import { openLocalCa } from '../../../../agent/uplink/wire/local-ca.ts';
import { ofProgram } from '../../../../agent/uplink/wire/server.ts';
import { scratch } from '../../state/disk.ts';
import { noting } from './rules.ts';
import { type Stage, stage } from './stage.ts';

type Open = (options?: IClientOptions) => Promise<mqtt.Client>;

/** The npm package that the Azure SDK for Node stands on. */
async function opener(t: TestContext, way: 'unix' | 'tls'): Promise<Stage & { open: Open }> {
  const stand = stage(t);
  const directory = scratch(t);
  const ca = await openLocalCa({ directory, names: [], now: Date.now, earliest: 0, log: noting().log });
  const host = '127.0.0.1';
  const place = { host, port: 0, credentials: ca.credentials };
  const { port } = await stand.server.listen(place, ofProgram('meter'));
  const path = await stand.socketOf('sensors');
  const dial = () =>
    way === 'unix' ? connect(path) : connectTls({ host, port, ca: ca.caPem, servername: 'localhost' });
  return {
    ...stand,
    async open(options = {}) {
      const client = new mqtt.Client(dial, { clientId: 'dev', reconnectPeriod: 0, reschedulePings: false, ...options });
      t.after(() => client.end(true));
      await once(client, 'connect');
      return client;
    },
  };
}

const published = (client: mqtt.Client, topic: string, qos: 0 | 1): Promise<void> =>
  new Promise((resolve, reject) => {
    client.publish(topic, 'x', { qos }, (error) => (error ? reject(error) : resolve()));
  });

for (const way of ['unix', 'tls'] as const) {
  describe(`the npm package mqtt, by ${way}`, () => {
    test('a thousand messages, in order', async (t) => {
      const { open, notes } = await opener(t, way);
      const client = await open();
      await Promise.all(Array.from({ length: 1_000 }, (_, index) => published(client, `t/${index}`, 1)));
      assert.deepEqual(
        notes.came.map(({ topic }) => topic),
        Array.from({ length: 1_000 }, (_, index) => `t/${index}`),
      );
    });

    test('it subscribes, receives, acknowledges and unsubscribes', async (t) => {
      const { open, notes } = await opener(t, way);
      const client = await open({ clean: false });
      assert.equal(notes.clients[0]?.clean, false);
      const granted = await new Promise((resolve) =>
        client.subscribe('a/#', { qos: 1 }, (_, grants) => resolve(grants)),
      );
      assert.deepEqual(granted, [{ topic: 'a/#', qos: 1 }]);
      const received: string[] = [];
      client.on('message', (topic, payload) => received.push(`${topic} ${payload}`));
      await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          notes.clients[0]?.publish({ topic: `a/${index}`, payload: Buffer.from('down') }, 1),
        ),
      );
      assert.deepEqual(
        received,
        Array.from({ length: 100 }, (_, index) => `a/${index} down`),
      );
      await new Promise((resolve) => client.unsubscribe('a/#', resolve));
      assert.equal(notes.events.at(-1), 'unsubscribed dev a/#');
    });

    test('its ping keeps it alive, and its end drops the will', async (t) => {
      const { open, notes, timers } = await opener(t, way);
      const client = await open({ keepalive: 1, will: { topic: 'gone', payload: 'x', qos: 0, retain: false } });
      for (let time = 0; time < 2; time += 1) {
        await new Promise((resolve) => client.once('packetreceive', resolve));
        timers.pass(1_400);
      }
      assert.equal(client.connected, true);
      client.end();
      await notes.until(() => notes.events.at(-1)?.startsWith('closed') === true);
      assert.equal(notes.came.length, 0);
    });
  });
}
