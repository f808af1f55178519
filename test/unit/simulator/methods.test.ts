import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ClientIdentity } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { Wire } from './wire.ts';

let simulator: Simulator;
const leaves = new Map<string, ClientIdentity>();

before(async () => {
  simulator = await startSimulator();
  for (const id of ['gw-1', 'gw-2']) {
    const leaf = await simulator.clientIdentity(id);
    leaves.set(id, leaf);
    await simulator.writeDevice('hub1', id, leaf.thumbprint);
  }
});
after(() => simulator.close());

async function listen(id: string): Promise<Wire> {
  const leaf = leaves.get(id);
  assert.ok(leaf);
  const wire = await Wire.enter(simulator.endpoints, simulator.endpoints.hub1, id, leaf);
  await wire.subscribe('$iothub/methods/POST/#', 0);
  return wire;
}
async function request(wire: Wire): Promise<{ name: string; rid: string; body: string }> {
  const packet = await wire.next();
  assert.ok(packet.cmd === 'publish');
  const [, name = '', rid = ''] = /^\$iothub\/methods\/POST\/(.+)\/\?\$rid=(.+)$/.exec(packet.topic) ?? [];
  return { name, rid, body: String(packet.payload) };
}
const answer = (wire: Wire, status: number, rid: string, payload: string): void =>
  wire.send({
    cmd: 'publish',
    topic: `$iothub/methods/res/${status}/?$rid=${rid}`,
    payload,
    qos: 0,
    dup: false,
    retain: false,
  });

test('many methods at a time, of any name, answered in any order with any status', async () => {
  const wire = await listen('gw-1');
  const numbers = Array.from({ length: 20 }, (_, n) => n);
  const calls = numbers.map((n) => simulator.callMethod('gw-1', `do-${n}.x_Y`, { n }));
  const requests = [];
  for (const _ of numbers) requests.push(await request(wire));
  assert.deepEqual(
    requests.map(({ name, body }) => [name, body]),
    numbers.map((n) => [`do-${n}.x_Y`, `{"n":${n}}`]),
  );
  for (const [n, { rid }] of [...requests.entries()].reverse()) answer(wire, n * 100 - 1, rid, `{"was":${n}}`);
  assert.deepEqual(
    await Promise.all(calls),
    numbers.map((n) => ({ status: n * 100 - 1, payload: { was: n } })),
  );
  await wire.leave();
});

test('an answer counts once, and only from the device that was asked', async () => {
  const [wire, stranger] = [await listen('gw-1'), await listen('gw-2')];
  const call = simulator.callMethod('gw-1', 'mine', null);
  const { rid } = await request(wire);
  const since = simulator.log.entries.length;
  answer(stranger, 500, rid, '"stolen"');
  await simulator.log.waitFor({ event: 'method-answer', clientId: 'gw-2' }, 60_000, since);
  answer(wire, 200, rid, '');
  answer(wire, 201, rid, '"twice"');
  assert.deepEqual(await call, { status: 200, payload: undefined }, 'an empty body is allowed');
  await wire.leave();
  await stranger.leave();
});
