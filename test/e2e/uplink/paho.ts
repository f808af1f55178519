import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Serving } from '../stage/site.ts';
import { Other, Shown } from './shown.ts';

/** Of Debian: another one on PATH has no paho. */
const PYTHON = '/usr/bin/python3';
const PAHO = join(import.meta.dirname, 'program_with_paho.py');

/** What `program_with_paho.py` is given: lines to run, or where to connect. */
interface Given {
  readonly id: string;
  readonly filters: readonly string[];
  readonly [more: string]: unknown;
}

/** A program that is written with Paho. */
export class Paho extends Other {
  readonly #topic: string;

  constructor(t: TestContext, given: Given, topic: string) {
    super(t, PYTHON, [PAHO, JSON.stringify(given)]);
    this.#topic = topic;
  }

  /** @returns when newleaf has acknowledged it */
  async send(body: string): Promise<void> {
    this.publish(this.#topic, body, 1);
    await this.until((line) => JSON.parse(line).published === body);
  }

  publish(topic: string, body: string, qos: 0 | 1): void {
    this.write(JSON.stringify({ topic, body, qos }));
  }

  /** The next message by such a topic. */
  async came(topic: string, since = 0): Promise<{ readonly topic: string; readonly body: string }> {
    const isSo = (line: string): boolean => String(JSON.parse(line).came ?? '').startsWith(topic);
    const { came, body } = JSON.parse(await this.until(isSo, since));
    return { topic: came, body };
  }

  subscribed(since = 0): Promise<string> {
    return this.until((line) => 'subscribed' in JSON.parse(line), since);
  }

  get losses(): number {
    return this.lines.filter((line) => 'lost' in JSON.parse(line)).length;
  }
}

const FILTERS = ['$iothub/methods/POST/#', '$iothub/twin/res/#', '$iothub/twin/PATCH/properties/desired/#'];

/** With the lines for Paho, as they are shown. */
export async function pahoBySocket(t: TestContext, { gateway }: Serving, name: string, id = name): Promise<Paho> {
  await gateway.program(name);
  const shown = await Shown.of(gateway, name);
  const lines = shown
    .lines('Python, paho-mqtt')
    .map((line) => line.replace(`client_id="${name}"`, `client_id="${id}"`));
  const [, topic = ''] = shown.lines('connects to this socket');
  const [, messages = ''] = /'(.*)'$/.exec(shown.line('mosquitto-clients', 'mosquitto_sub')) ?? [];
  return new Paho(t, { id: name, lines, filters: [...FILTERS, messages] }, topic);
}

/** With the connection string, as the SDKs of Azure read it: TLS 1.2, and a SAS as the password. */
export async function pahoByKey(t: TestContext, { gateway }: Serving, name: string): Promise<Paho> {
  await gateway.keyedProgram(name);
  const shown = await Shown.of(gateway, name);
  const connection = shown.line('take this connection string').split(';');
  const {
    HostName,
    DeviceId,
    SharedAccessKey = '',
    GatewayHostName,
  } = Object.fromEntries(connection.map((part) => part.split(/=(.*)/s, 2)));
  const [host, port] = String(GatewayHostName).split(':');
  const resource = encodeURIComponent(`${HostName}/devices/${DeviceId}`);
  const expiry = Math.floor(Date.now() / 1_000) + 3_600;
  const key = Buffer.from(SharedAccessKey, 'base64');
  const signature = createHmac('sha256', key).update(`${resource}\n${expiry}`).digest('base64');
  const password = `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}`;
  const user = `${HostName}/${DeviceId}/?api-version=2019-10-01&DeviceClientType=azure-iot-device-python`;
  const [, topic = '', messages = ''] = shown.lines('All other MQTT clients');
  const filters = [...FILTERS, messages];
  const ca = shown.line('The CA of this gateway');
  return new Paho(t, { id: name, host, port: Number(port), ca, user, password, filters }, topic);
}
