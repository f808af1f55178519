import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Packet } from 'mqtt-packet';
import { askDps, enterDps, knockHub, putTopic } from '../../clients/raw.ts';
import { Wire } from '../../clients/wire.ts';
import { type FaultName, type FaultOptions, Faults } from '../../simulator/faults.ts';
import { Log } from '../../simulator/log.ts';
import { staged } from './stage.ts';

// Faults whose users would pass without them, too: a far side that is well hides a gateway that is not.
const ID = 'gw-1';
const TWIN = '$iothub/twin/res/#';

const { simulator, leaf } = await staged();
await simulator.enrollGroup({ groupId: 'gateways', primary: simulator.endpoints.issuerPem });
await simulator.writeDevice('hub1', ID, leaf.thumbprint);

const enter = () => Wire.enter(simulator.endpoints, simulator.endpoints.hub1, ID, leaf);
const lay = (fault: FaultName, options: FaultOptions = {}) => simulator.lay('hub1', fault, options);
const arrived = async () => (await simulator.telemetry('hub1', ID, 0, 0)).arrived;
async function acknowledged(wire: Wire, ...ids: number[]): Promise<void> {
  for (const id of ids) {
    const packet = await wire.next();
    assert.deepEqual([packet.cmd, packet.messageId], ['puback', id]);
  }
}

test('a fault is only for the servers that know it, and goes when it is used up or lifted', () => {
  const faults = new Faults(new Log());
  assert.throws(() => faults.lay('hub1', 'empty-body'), /hub1 knows no fault "empty-body"/);
  faults.lay('dps', 'empty-body', { times: 2 });
  const taken = (['dps', 'hub1', 'dps', 'dps'] as const).map((server) => faults.take(server, 'empty-body')?.times);
  assert.deepEqual(taken, [2, undefined, 2, undefined]);
  faults.lay('dps', 'reset');
  faults.lay('est', 'reset');
  faults.lift('dps');
  assert.deepEqual([faults.peek('dps', 'reset'), faults.peek('est', 'reset')], [undefined, {}]);
});

const PUBLISH = { cmd: 'publish', topic: `devices/${ID}/messages/events/`, qos: 1, messageId: 1 } as const;
const swallowed: readonly (readonly [FaultName, Packet])[] = [
  ['no-suback', { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: TWIN, qos: 0 }] }],
  ['no-pingresp', { cmd: 'pingreq' }],
  ['no-puback', { ...PUBLISH, payload: '', dup: false, retain: false }],
];
for (const [fault, packet] of swallowed) {
  test(`${fault}: one packet has no answer, and the next has`, async () => {
    await lay(fault, { times: 1 });
    const wire = await enter();
    wire.send(packet);
    wire.tell(ID, 2, 'x');
    await acknowledged(wire, 2);
    await wire.leave();
  });
}

test('idle-drop: nothing is answered any more, and TCP stays open', async () => {
  await lay('idle-drop', { ms: 20, times: 1 });
  const wire = await enter();
  // The timer of the fault was set before this one, in the same process.
  await delay(40);
  wire.send({ cmd: 'pingreq' });
  const since = simulator.log.entries.length;
  const next = await enter();
  await assert.rejects(wire.next());
  await simulator.log.waitFor({ event: 'disconnected', reason: 'newer connection' }, 60_000, since);
  await next.leave();
});

for (const fault of ['slow-tls', 'delay-connack', 'delay-twin', 'puback-delay'] as const) {
  test(`${fault} answers later, and in order`, async () => {
    await lay(fault, { ms: 100, times: 1 });
    const begun = performance.now();
    const wire = await enter();
    if (fault === 'delay-twin') {
      await wire.subscribe(TWIN, 0);
      wire.publish('$iothub/twin/GET/?$rid=1');
      assert.equal((await wire.next()).cmd, 'publish');
    } else if (fault === 'puback-delay') {
      for (const id of [1, 2]) wire.tell(ID, id, `d${id}`);
      await acknowledged(wire, 1, 2);
    }
    assert.ok(performance.now() - begun >= 99);
    await wire.leave();
  });
}

test('tls-refuses-client closes without a word', async () => {
  await lay('tls-refuses-client', { times: 1 });
  const { connack, error } = await knockHub(simulator.endpoints, simulator.endpoints.hub1, ID, leaf);
  assert.deepEqual([connack, error], [undefined, undefined]);
});

test('transient-5 refuses what it will accept a little later, by number or time', async () => {
  const code = async () => {
    const { connack, client } = await knockHub(simulator.endpoints, simulator.endpoints.hub1, ID, leaf);
    client.end(true);
    return connack;
  };
  await lay('transient-5', { times: 2 });
  await simulator.writeDevice('hub1', ID, leaf.thumbprint);
  assert.deepEqual([await code(), await code(), await code()], [5, 5, 0]);
  await lay('transient-5', { ms: 60_000 });
  await simulator.writeDevice('hub1', ID, leaf.thumbprint);
  assert.equal(await code(), 5);
});

const refusing: readonly (readonly [FaultName, FaultOptions, taken: number])[] = [
  ['close-on-publish', {}, 0],
  ['quota-used', {}, 0],
  ['poison', { message: 'arsenic' }, 0],
  ['drop-puback', {}, 1],
];
for (const [fault, options, taken] of refusing) {
  test(`${fault}: the connection is closed at each message, ${taken ? '' : 'not '}taken; others live`, async () => {
    await lay(fault, options);
    for (const _ of [1, 2]) {
      const before = await arrived();
      const wire = await enter();
      assert.equal(await wire.subscribe(TWIN, 0), 0);
      if (fault === 'poison') {
        wire.tell(ID, 1, 'water');
        await acknowledged(wire, 1);
      }
      wire.tell(ID, 2, 'some arsenic in it');
      await assert.rejects(wire.next());
      assert.equal((await arrived()) - before, taken + (fault === 'poison' ? 1 : 0));
    }
  });
}

test('a session that ends before its PUBACK sends the message again, which is counted apart', async () => {
  const { again } = await simulator.telemetry('hub1', ID, 0, 0);
  await lay('puback-delay', { ms: 60_000, times: 1 });
  const first = await enter();
  first.tell(ID, 1, 'late');
  await simulator.log.waitFor({ event: 'telemetry', body: 'late' });
  const second = await enter();
  for (const id of [2, 3]) second.tell(ID, id, 'late');
  await acknowledged(second, 2, 3);
  assert.equal((await simulator.telemetry('hub1', ID, 0, 0)).again, again + 1, 'the third is a message of its own');
  await second.leave();
});

test('throttle: the first are taken at once, the rest later, and what would be too late closes the connection', async () => {
  const before = await arrived();
  await lay('throttle', { rate: 10, ms: 500 });
  const wire = await enter();
  // Ten at once, five within 500 ms: the sixteenth is too many.
  for (let id = 1; id <= 15; id += 1) wire.tell(ID, id, `t${id}`);
  const begun = performance.now();
  await acknowledged(wire, ...Array.from({ length: 11 }, (_, at) => at + 1));
  assert.ok(performance.now() - begun >= 50, 'the eleventh waits a tenth of a second');
  for (let id = 16; id <= 30; id += 1) wire.tell(ID, id, `t${id}`);
  await wire.closed;
  await simulator.log.waitFor({ event: 'disconnected', reason: 'throttled' });
  assert.ok((await arrived()) - before < 30, 'what waited is lost');
});

test('register-quota answers 429 to what is beyond it, until it is lifted', async () => {
  await simulator.lay('dps', 'register-quota', { rate: 1, retryAfter: '3' });
  const client = await enterDps(simulator.endpoints, ID, leaf);
  const topic = async () => {
    const answer = await askDps(client, putTopic(), '{}');
    return answer === 'closed' ? answer : answer.topic;
  };
  assert.match(await topic(), /^202/);
  assert.equal(await topic(), '429/?$rid=1&retry-after=3');
  await simulator.lift('dps', 'register-quota');
  assert.match(await topic(), /^202/);
  client.end(true);
});
