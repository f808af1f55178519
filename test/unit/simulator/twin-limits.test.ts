import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ClientIdentity } from '../../simulator/ca.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { tooLarge, wellFormed } from '../../simulator/twin-limits.ts';
import { Wire } from './wire.ts';

let simulator: Simulator;
let leaf: ClientIdentity;
before(async () => {
  simulator = await startSimulator();
  leaf = await simulator.clientIdentity('gw-1');
  await simulator.writeDevice('hub1', 'gw-1', leaf.thumbprint);
});
after(() => simulator.close());

const deep = (levels: number): object => (levels === 1 ? { end: 1 } : { down: deep(levels - 1) });
const SMALLEST = -4_503_599_627_370_495;

const shapes: readonly [string, object, boolean][] = [
  ['ten levels', deep(10), true],
  ['eleven levels', deep(11), false],
  ['eleven levels below a list', { list: [deep(10)] }, false],
  ['null, which removes', { a: null, b: { c: null } }, true],
  ['a null in a list', { list: [1, null] }, false],
  ['all kinds of values', { t: 'ä', n: 1.5, i: SMALLEST, b: false, o: {}, l: ['x', [1]] }, true],
  ['an integer beyond 52 bits', { i: SMALLEST - 1 }, false],
  ['a dot in a key', { 'a.b': 1 }, false],
  ['a dollar in a key', { o: { $a: 1 } }, false],
  ['a space in a key', { 'a b': 1 }, false],
  ['a control character in a key', { 'a\u0085': 1 }, false],
  ['a key of 1 KB', { ['k'.repeat(1_024)]: 1 }, true],
  ['a longer key', { ['k'.repeat(1_025)]: 1 }, false],
  ['a text of 4 KB', { t: 't'.repeat(4_096) }, true],
  ['a longer text', { t: 'ä'.repeat(2_049) }, false],
];
for (const [what, properties, taken] of shapes) {
  test(`${what}: ${taken ? 'taken' : 'refused'}`, () => assert.equal(wellFormed(properties), taken));
}

test('the size of a section: keys and values, 8 for a number, 4 for a boolean', () => {
  const full = (length: number) => ({ a: 1, b: true, c: { d: ['x'.repeat(length)] } });
  const rest = 32_768 - (1 + 8) - (1 + 4) - (1 + 1);
  assert.equal(tooLarge(full(rest)), false);
  assert.equal(tooLarge(full(rest + 1)), true);
  assert.equal(
    tooLarge(full(rest - 1) && { ...full(rest), c: `${'\u0007'.repeat(40_000)}` }),
    false,
    'no control characters',
  );
});

async function report(wire: Wire, topic: string, payload: string): Promise<string> {
  const full = `$iothub/twin/PATCH/properties/reported/?${topic}`;
  wire.send({ cmd: 'publish', topic: full, payload, qos: 0, dup: false, retain: false });
  const packet = await wire.next();
  return packet.cmd === 'publish' ? packet.topic.replace('$iothub/twin/res/', '') : packet.cmd;
}

test('a device is told by status what is wrong with its report, and nothing is written then', async () => {
  const wire = await Wire.enter(simulator.endpoints, simulator.endpoints.hub1, 'gw-1', leaf);
  await wire.subscribe('$iothub/twin/res/#', 0);
  const part = (name: string) =>
    JSON.stringify({ [name]: Object.fromEntries([...'1234'].map((n) => [n, 'x'.repeat(4_000)])) });
  assert.equal(await report(wire, '$rid=1', part('a')), '204/?$rid=1&$version=2');
  assert.equal(await report(wire, '$rid=2', part('b')), '204/?$rid=2&$version=3');
  for (const status of [403, 400, 413] as const) {
    await simulator.set({ oversizedReported: status });
    assert.equal(
      await report(wire, '$rid=3', part('c')),
      `${status}/?$rid=3`,
      'each by itself would have been small enough',
    );
  }
  assert.equal(await report(wire, '$rid=4', '{"b":null}'), '204/?$rid=4&$version=4');
  assert.equal(await report(wire, '$rid=5', part('c')), '204/?$rid=5&$version=5', 'there is room again');
  assert.equal(await report(wire, '$rid=6', JSON.stringify(deep(11))), '400/?$rid=6');
  assert.equal(await report(wire, '$rid=7', '{"a":'), '400/?$rid=7');
  assert.equal(await report(wire, '$rid=8&$version=4', '{"d":1}'), '412/?$rid=8');
  assert.equal(await report(wire, '$rid=9&$version=5', '{"d":1}'), '204/?$rid=9&$version=6');
  const { reported } = await simulator.twin('gw-1');
  assert.deepEqual(Object.keys(reported), ['a', 'c', 'd']);
  await wire.leave();
});

test('what was desired while the device was away is in the twin when it is back', async () => {
  const first = await Wire.enter(simulator.endpoints, simulator.endpoints.hub1, 'gw-1', leaf, false);
  await first.subscribe('$iothub/twin/res/#', 0);
  await first.leave();
  await simulator.updateDesired('gw-1', { level: 1, gone: 1 });
  await simulator.updateDesired('gw-1', { gone: null });
  const wire = await Wire.enter(simulator.endpoints, simulator.endpoints.hub1, 'gw-1', leaf, false);
  wire.send({ cmd: 'publish', topic: '$iothub/twin/GET/?$rid=1', payload: '', qos: 0, dup: false, retain: false });
  const packet = await wire.next();
  assert.ok(packet.cmd === 'publish');
  assert.deepEqual(JSON.parse(String(packet.payload)).desired, { level: 1, $version: 3 });
  await wire.leave();
});
