import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import device, { type Message } from 'azure-iot-device';
import { Mqtt } from 'azure-iot-device-mqtt';
import { openLocalCa } from '../../../agent/uplink/wire/local-ca.ts';
import { byKey } from '../../../agent/uplink/wire/sas.ts';
import { ofProgram, WireServer } from '../../../agent/uplink/wire/server.ts';
import { scratch } from '../../unit/state/disk.ts';
import { Notes, noting } from '../../unit/uplink/wire/rules.ts';

const run = promisify(execFile);
const KEY = Buffer.alloc(32, 7).toString('base64');
/** Of Debian: another one on PATH has no paho. */
const PYTHON = '/usr/bin/python3';
const PAHO = join(import.meta.dirname, 'with_paho.py');
const MESSAGES = 300;
const TOPIC = 'devices/sensors/messages/events/';

interface Site {
  readonly server: WireServer;
  readonly notes: Notes;
  /** Options of mosquitto_pub and mosquitto_sub, by way. */
  readonly ways: Readonly<Record<'unix' | 'tls', readonly string[]>>;
  readonly port: number;
  readonly ca: string;
  readonly socket: string;
}

async function site(t: TestContext): Promise<Site> {
  const directory = scratch(t);
  const { log } = noting();
  const notes = new Notes();
  const server = new WireServer({ rules: notes, log });
  t.after(() => server.close());
  const socket = join(directory, 'sensors.sock');
  await server.listen({ path: socket, mode: 0o600 }, ofProgram('sensors'));
  const local = await openLocalCa({ directory, names: [], now: Date.now, earliest: 0, log });
  const programs = [{ name: 'sensors', key: KEY }];
  const authenticate = byKey(() => programs, Date.now);
  const place = { host: '127.0.0.1', port: 0, credentials: local.credentials };
  const { port = 0 } = await server.listen(place, authenticate);
  const ca = join(directory, 'ca.pem');
  writeFileSync(ca, local.caPem);
  const tls = ['-h', 'localhost', '-p', `${port}`, '--cafile', ca, '-u', 'sensors', '-P', KEY];
  return { server, notes, ways: { unix: ['--unix', socket], tls }, port, ca, socket };
}

/** A SAS as the SDKs make it. */
function sas(): string {
  const resource = encodeURIComponent('hub.azure-devices.net/devices/sensors');
  const expiry = Math.floor(Date.now() / 1_000) + 3_600;
  const signature = createHmac('sha256', Buffer.from(KEY, 'base64')).update(`${resource}\n${expiry}`).digest('base64');
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}`;
}

for (const way of ['unix', 'tls'] as const) {
  describe(`mosquitto, by ${way}`, () => {
    for (const qos of [0, 1] as const) {
      test(`mosquitto_pub, ${MESSAGES} lines of QoS ${qos}`, async (t) => {
        const { notes, ways } = await site(t);
        const child = spawn('mosquitto_pub', [...ways[way], '-i', 'dev', '-t', TOPIC, '-q', `${qos}`, '-l']);
        for (let number = 0; number < MESSAGES; number += 1) child.stdin.write(`line ${number}\n`);
        child.stdin.end();
        const [code] = await once(child, 'exit');
        assert.equal(code, 0);
        await notes.until(() => notes.events.at(-1) === 'closed sensors/dev');
        assert.deepEqual(
          notes.came.map(({ text, qos }) => `${text} ${qos}`),
          Array.from({ length: MESSAGES }, (_, number) => `line ${number} ${qos}`),
        );
      });
    }

    test('mosquitto_sub gets messages of both QoS', async (t) => {
      const { notes, ways } = await site(t);
      const filter = 'devices/sensors/messages/devicebound/#';
      const child = spawn('mosquitto_sub', [...ways[way], '-i', 'dev', '-c', '-t', filter, '-q', '2', '-C', '3', '-v']);
      const lines: string[] = [];
      createInterface(child.stdout).on('line', (line) => lines.push(line));
      await notes.until(() => notes.events.at(-1) === `subscribed dev ${filter} 1`);
      const [client] = notes.clients;
      assert.equal(client?.clean, false);
      const topic = 'devices/sensors/messages/devicebound/%24.mid=1';
      for (const [text, level] of [
        ['one', 1],
        ['two', 0],
        ['three', 1],
      ] as const) {
        await client?.publish({ topic, payload: Buffer.from(text) }, level);
      }
      const [code] = await once(child, 'close');
      assert.equal(code, 0);
      assert.deepEqual(lines, [`${topic} one`, `${topic} two`, `${topic} three`]);
    });

    test('mosquitto_sub that is killed leaves its will', async (t) => {
      const { notes, ways } = await site(t);
      const will = ['--will-topic', TOPIC, '--will-payload', 'killed', '--will-qos', '1'];
      const child = spawn('mosquitto_sub', [...ways[way], '-t', 'a', ...will]);
      await notes.until(() => notes.events.some((event) => event.startsWith('subscribed')));
      child.kill('SIGKILL');
      await notes.until(() => notes.events.at(-1)?.startsWith('closed') === true);
      assert.deepEqual(
        notes.came.map(({ topic, text, qos }) => [topic, text, qos]),
        [[TOPIC, 'killed', 1]],
      );
    });

    test('what MQTT 5 and QoS 2 are told', async (t) => {
      const { notes, ways } = await site(t);
      const five = run('mosquitto_pub', [...ways[way], '-V', '5', '-t', 'a', '-m', 'x']);
      await assert.rejects(five, /Unsupported Protocol Version/);
      await assert.rejects(run('mosquitto_pub', [...ways[way], '-t', 'a', '-m', 'x', '-q', '2'], { timeout: 20_000 }));
      assert.equal(notes.came.length, 0);
    });
  });
}

test('mosquitto_pub with the key of no program is told so', async (t) => {
  const { ways } = await site(t);
  const wrong = ways.tls.map((word) => (word === KEY ? 'wrong' : word));
  await assert.rejects(run('mosquitto_pub', [...wrong, '-t', 'a', '-m', 'x']), /bad user name or password/i);
});

test('the Azure SDK for Node, unmodified: open, send, receive', async (t) => {
  const { notes, port, ca } = await site(t);
  const id = `HostName=hub.azure-devices.net;DeviceId=sensors;SharedAccessKey=${KEY};GatewayHostName=localhost:${port}`;
  const client = device.Client.fromConnectionString(id, Mqtt);
  await client.setOptions({ ca: readFileSync(ca, 'utf8') });
  await client.open();
  const message = new device.Message('21.5');
  message.properties.add('room', 'north wing');
  await client.sendEvent(message);
  assert.deepEqual(
    notes.came.map(({ topic, text, qos }) => [topic, text, qos]),
    [['devices/sensors/messages/events/room=north%20wing', '21.5', 1]],
  );
  const received = new Promise<Message>((resolve) => {
    client.on('message', (one) => {
      client.complete(one, () => resolve(one));
    });
  });
  await notes.until(() =>
    notes.events.some((event) => event.startsWith('subscribed sensors devices/sensors/messages/')),
  );
  const down = { topic: 'devices/sensors/messages/devicebound/%24.mid=7', payload: Buffer.from('on') };
  await notes.clients[0]?.publish(down, 1);
  const { messageId, data } = await received;
  assert.deepEqual([messageId, String(data)], ['7', 'on']);
  await client.close();
  await notes.until(() => notes.events.at(-1) === 'closed sensors/sensors');
});

describe('Paho for Python', () => {
  const user = 'hub.azure-devices.net/sensors/?api-version=2019-10-01&DeviceClientType=azure-iot-device-python';
  const rows = (one: Site): Readonly<Record<string, object>> => ({
    'by its socket': { unix: one.socket },
    'by TLS with name and key': { port: one.port, ca: one.ca, user: 'sensors', password: KEY },
    'as the Azure SDK does: TLS 1.2 only, and a SAS': {
      port: one.port,
      ca: one.ca,
      user,
      password: sas(),
      tls12: true,
    },
  });
  for (const what of ['by its socket', 'by TLS with name and key', 'as the Azure SDK does: TLS 1.2 only, and a SAS']) {
    test(what, async (t) => {
      const one = await site(t);
      const { notes } = one;
      const options = { topic: TOPIC, count: MESSAGES, filter: 'devices/sensors/messages/devicebound/#' };
      const child = spawn(PYTHON, [PAHO, JSON.stringify({ ...options, ...rows(one)[what] })], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const lines: string[] = [];
      createInterface(child.stdout).on('line', (line) => lines.push(line));
      await notes.until(() => notes.events.some((event) => event.startsWith('subscribed')));
      await notes.clients[0]?.publish(
        { topic: 'devices/sensors/messages/devicebound/', payload: Buffer.from('go') },
        1,
      );
      const [code] = await once(child, 'close');
      assert.equal(code, 0);
      assert.deepEqual(lines, ['connected 0', 'received go', `published ${MESSAGES}`]);
      assert.deepEqual(
        notes.came.map(({ text }) => text),
        Array.from({ length: MESSAGES }, (_, number) => `${number}`),
      );
    });
  }
});
