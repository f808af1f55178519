import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import type { ClientIdentity } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { Wire } from './wire.ts';

let simulator: Simulator;
let leaf: ClientIdentity;
let sinceTest: number;

before(async () => {
  simulator = await startSimulator();
  leaf = await simulator.clientIdentity('gw-1');
  await simulator.writeDevice('hub1', 'gw-1', leaf.thumbprint);
});
after(() => simulator.close());
beforeEach(async () => {
  sinceTest = (await simulator.telemetry('hub1', 'gw-1', 0, 0)).arrived;
});
afterEach(() => simulator.lift('hub1'));

const enter = () => Wire.enter(simulator.endpoints, simulator.endpoints.hub1, 'gw-1', leaf);
const arrived = async () =>
  (await simulator.telemetry('hub1', 'gw-1', sinceTest)).messages.map(({ body, again }) =>
    again ? `${body} again` : body,
  );
async function acknowledged(wire: Wire, messageId: number): Promise<void> {
  const packet = await wire.next();
  assert.deepEqual([packet.cmd, packet.messageId], ['puback', messageId]);
}
/** Sends it on a session of its own, where it is to be taken. */
async function taken(body: string): Promise<void> {
  const wire = await enter();
  wire.tell('gw-1', 1, body);
  await acknowledged(wire, 1);
  await wire.leave();
}

test('puback-delay: PUBACKs come later, and in the order of arrival also when the fault is lifted', async () => {
  await simulator.lay('hub1', 'puback-delay', { ms: 60, times: 2 });
  const wire = await enter();
  const begun = performance.now();
  for (const n of [1, 2, 3]) wire.tell('gw-1', n, `d${n}`);
  for (const n of [1, 2, 3]) await acknowledged(wire, n);
  assert.ok(performance.now() - begun >= 59);
  assert.deepEqual(await arrived(), ['d1', 'd2', 'd3']);
  await wire.leave();
});

test('puback-delay: a session that ends before its PUBACK sends the message again, which is counted apart', async () => {
  await simulator.lay('hub1', 'puback-delay', { ms: 60_000, times: 1 });
  const wire = await enter();
  wire.tell('gw-1', 1, 'late');
  await simulator.log.waitFor({ event: 'telemetry', body: 'late' });
  const since = simulator.log.entries.length;
  await wire.leave();
  await simulator.log.waitFor({ event: 'disconnected' }, 60_000, since);
  await taken('late');
  await taken('late');
  assert.deepEqual(await arrived(), ['late', 'late again', 'late'], 'the third was no answer to a lost PUBACK');
});

test('drop-puback: the message is taken, and the connection closed before the PUBACK', async () => {
  const { again } = await simulator.telemetry('hub1', 'gw-1', 0, 0);
  await simulator.lay('hub1', 'drop-puback', { times: 2 });
  for (const _ of [1, 2]) {
    const wire = await enter();
    wire.tell('gw-1', 1, 'dear');
    await assert.rejects(wire.next());
  }
  await taken('dear');
  assert.deepEqual(await arrived(), ['dear', 'dear again', 'dear again']);
  assert.equal((await simulator.telemetry('hub1', 'gw-1', 0, 0)).again, again + 2);
});

test('close-on-publish: the connection is closed, and the message not taken', async () => {
  await simulator.lay('hub1', 'close-on-publish', { times: 1 });
  const wire = await enter();
  wire.tell('gw-1', 1, 'lost');
  wire.tell('gw-1', 2, 'after it');
  await assert.rejects(wire.next());
  await taken('lost');
  assert.deepEqual(await arrived(), ['lost']);
});

test('quota-used: each session that sends telemetry is closed, and one that does not lives', async () => {
  await simulator.lay('hub1', 'quota-used');
  for (const _ of [1, 2]) {
    const wire = await enter();
    assert.equal(await wire.subscribe('$iothub/twin/res/#', 0), 0);
    wire.send({ cmd: 'publish', topic: '$iothub/twin/GET/?$rid=1', payload: '', qos: 0, dup: false, retain: false });
    assert.equal((await wire.next()).cmd, 'publish');
    wire.tell('gw-1', 1, 'too much');
    await assert.rejects(wire.next());
  }
  await simulator.lift('hub1');
  await taken('enough');
  assert.deepEqual(await arrived(), ['enough']);
});

test('poison: each message with this text closes the connection, others do not', async () => {
  await simulator.lay('hub1', 'poison', { message: 'arsenic' });
  for (const _ of [1, 2]) {
    const wire = await enter();
    wire.tell('gw-1', 1, 'water');
    await acknowledged(wire, 1);
    wire.tell('gw-1', 2, 'some arsenic in it');
    await assert.rejects(wire.next());
  }
  assert.deepEqual(await arrived(), ['water', 'water']);
});

test('throttle: the first are taken at once, the rest at the rate, in order', async () => {
  await simulator.lay('hub1', 'throttle', { rate: 100 });
  const wire = await enter();
  const begun = performance.now();
  const all = Array.from({ length: 110 }, (_, n) => n + 1);
  for (const n of all) wire.tell('gw-1', n, `t${n}`);
  const times: number[] = [];
  for (const n of all) {
    await acknowledged(wire, n);
    times.push(performance.now() - begun);
  }
  assert.ok(
    (times.at(-1) ?? 0) >= 99,
    `110 messages in ${times.at(-1)} ms, where 100 a second are taken after the first 100`,
  );
  assert.deepEqual(
    await arrived(),
    all.map((n) => `t${n}`),
  );
  await wire.leave();
});

test('throttle: what would be taken too late closes the connection, and what waited is lost', async () => {
  await simulator.lay('hub1', 'throttle', { rate: 10, ms: 500 });
  const wire = await enter();
  // Ten at once, five within 500 ms: the sixteenth is too many.
  for (let n = 1; n <= 16; n += 1) wire.tell('gw-1', n, `c${n}`);
  for (let n = 1; n <= 10; n += 1) await acknowledged(wire, n);
  await assert.rejects(wire.next());
  await simulator.log.waitFor({ event: 'disconnected', reason: 'throttled' });
  assert.equal((await arrived()).length, 10);
  await simulator.lift('hub1');
  await taken('c11');
  assert.deepEqual((await arrived()).at(-1), 'c11');
});
