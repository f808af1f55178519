import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { SharedSession } from '../../agent/mqtt/hub-session.ts';
import { Serving } from '../../agent/uplink/serving.ts';
import { TestClock } from '../unit/clock.ts';
import { scratch } from '../unit/state/disk.ts';
import { ANSWERS, DESIRED, MESSAGES, METHODS, Stage, settled } from '../unit/uplink/stage.ts';
import { noting } from '../unit/uplink/wire/rules.ts';
import { lineAndRest } from './inputs.ts';
import type { Reader } from './laws.ts';

const seeds = [
  'devices/sensors/messages/events/by=sensors\n{"temperature":21}',
  'devices/sensors/messages/events/%24.exp=2030-01-01T00%3A00%3A00Z&a=b\nx',
  '$iothub/twin/GET/?$rid=1\n',
  '$iothub/twin/PATCH/properties/reported/?$rid=2\n{"a":{"b":[1,{"c":null}]},"d":"text"}',
  '$iothub/methods/res/200/?$rid=7\n{"done":true}',
  'devices/gw-0001/messages/devicebound/%24.mid=1&a=b\nhello',
  '$iothub/twin/PATCH/properties/desired/?$version=8\n{"interval":5,"$version":8}',
  '$iothub/twin/res/200/?$rid=nl-1\n{"desired":{"interval":5,"$version":8},"reported":{"$version":2}}',
  '$iothub/methods/POST/open/?$rid=7\n{"door":1}',
].map((text) => Buffer.from(text)) as [Buffer, ...Buffer[]];

/** What a program publishes, and what the hub sends: over a session that is open, is lost, and comes back. */
export const programs: Reader = {
  name: 'programs',
  seeds,
  async read(input) {
    const [topic, payload] = lineAndRest(input);
    const stage = new Stage();
    stage.program('sensors');
    const client = await stage.client('sensors', MESSAGES, METHODS, DESIRED, ANSWERS);
    const broken: unknown[] = [];
    const heard = (answer: Promise<unknown> | undefined) => void answer?.catch((error: unknown) => broken.push(error));
    const message = { topic, payload };
    const session = await stage.open();
    heard(stage.uplink.published(client, message, 1));
    heard(stage.uplink.arrived(session, { ...message, qos: 1 }));
    await settled();
    session.end();
    heard(stage.uplink.published(client, message, 0));
    await settled();
    const again = await stage.open();
    for (const sent of [...session.published, ...again.published]) assert.match(sent.topic, /^[^#+\0]+$/);
    client.go();
    stage.uplink.left(client);
    again.end();
    await stage.uplink.close();
    for (const error of broken) assert.ok(!(error instanceof RangeError || error instanceof TypeError), String(error));
  },
};

/** Two programs with real sockets and queues, and no session with a hub. @returns their sockets */
export async function servingPrograms(t: TestContext): Promise<{ readonly sensors: string; readonly meter: string }> {
  const directory = scratch(t);
  const clock = new TestClock();
  const serving = await Serving.open({
    settings: {
      directory,
      sockets: join(directory, 'sockets'),
      tmpfiles: join(directory, 'tmpfiles.d'),
      tcp: '127.0.0.1:0',
      hosts: undefined,
      maxBytes: 2 ** 20,
      maxAgeMs: undefined,
      whenFull: 'drop-oldest',
      rate: 20,
    },
    session: new SharedSession(),
    clock,
    now: () => clock.now(),
    earliest: 0,
    env: {},
    log: noting().log,
  });
  t.after(() => serving.close());
  const socketOf = async (name: string) => ((await serving.add(name, false)) as { readonly socket: string }).socket;
  return { sensors: await socketOf('sensors'), meter: await socketOf('meter') };
}
