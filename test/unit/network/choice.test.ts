import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TRY_BACK_MS, type Transport, waysTo } from '../../../agent/network/choice.ts';
import { isNamed } from '../../../agent/network/named.ts';

type Row = readonly [host: string, setting: Transport | 'auto', closed: number | undefined, ways: readonly Transport[]];

const HUB = 'hub.azure-devices.net';
const WAYS: readonly Row[] = [
  [HUB, 'auto', undefined, ['mqtt', 'mqtt-ws']],
  [HUB, 'auto', 0, ['mqtt-ws', 'mqtt']],
  [HUB, 'auto', TRY_BACK_MS - 1, ['mqtt-ws', 'mqtt']],
  [HUB, 'auto', TRY_BACK_MS, ['mqtt', 'mqtt-ws']],
  [`${HUB}:8883`, 'auto', undefined, ['mqtt']],
  [`${HUB}:8883`, 'auto', 0, ['mqtt']],
  [HUB, 'mqtt', 0, ['mqtt']],
  [HUB, 'mqtt-ws', undefined, ['mqtt-ws']],
  [`${HUB}:8443`, 'mqtt-ws', undefined, ['mqtt-ws']],
];

for (const [host, setting, closed, ways] of WAYS) {
  test(`${setting} to ${host}, 8883 closed ${closed}: ${ways.join(', then ')}`, () => {
    assert.deepEqual(waysTo(host, setting, closed), ways);
  });
}

const NAMES: readonly (readonly [place: string, names: readonly string[], is: boolean])[] = [
  ['ca.example.com', [], false],
  ['ca.example.com', ['ca.example.com'], true],
  ['CA.example.com.:8443', ['ca.Example.com'], true],
  ['ca.example.com', ['.example.com'], true],
  ['example.com', ['.example.com'], false],
  ['badexample.com', ['.example.com'], false],
  ['ca.example.com', ['example.com'], false],
  ['192.0.2.7:443', ['192.0.2.7'], true],
  ['::1', ['::1'], true],
  ['[::1]:8443', ['::1'], true],
  ['2001:db8::7', ['[2001:DB8:0::7]'], true],
  ['::1', ['::2'], false],
  ['fe80::1%eth0', ['fe80::1'], false],
];

for (const [place, names, is] of NAMES) {
  test(`${place} is ${is ? '' : 'not '}named by ${JSON.stringify(names)}`, () => {
    assert.equal(isNamed(place, names), is);
  });
}
