import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Known, learned, TRY_BACK_MS, type Transport, waysTo } from '../../../agent/network/choice.ts';
import { isNamed } from '../../../agent/network/named.ts';

type Row = readonly [host: string, setting: Transport | 'auto', known: Known, ways: readonly Transport[]];

const HUB = 'hub.azure-devices.net';
const NOW = 2 * TRY_BACK_MS;
const BACK = NOW - TRY_BACK_MS;
const WAYS: readonly Row[] = [
  [HUB, 'auto', {}, ['mqtt', 'mqtt-ws']],
  [HUB, 'auto', { closedAt: NOW }, ['mqtt-ws', 'mqtt']],
  [HUB, 'auto', { closedAt: BACK + 1 }, ['mqtt-ws', 'mqtt']],
  [HUB, 'auto', { closedAt: BACK }, ['mqtt', 'mqtt-ws']],
  [HUB, 'auto', { closedAt: NOW, failed: 'mqtt-ws' }, ['mqtt', 'mqtt-ws']],
  [HUB, 'auto', { closedAt: NOW, failed: 'mqtt' }, ['mqtt-ws', 'mqtt']],
  [HUB, 'auto', { closedAt: BACK, failed: 'mqtt' }, ['mqtt-ws', 'mqtt']],
  [HUB, 'auto', { closedAt: BACK, failed: 'mqtt-ws' }, ['mqtt', 'mqtt-ws']],
  [`${HUB}:8883`, 'auto', {}, ['mqtt']],
  [`${HUB}:8883`, 'auto', { closedAt: NOW }, ['mqtt']],
  [HUB, 'mqtt', { closedAt: NOW }, ['mqtt']],
  [HUB, 'mqtt-ws', {}, ['mqtt-ws']],
  [`${HUB}:8443`, 'mqtt-ws', {}, ['mqtt-ws']],
];

for (const [host, setting, known, ways] of WAYS) {
  test(`${setting} to ${host}, known ${JSON.stringify(known)}: ${ways.join(', then ')}`, () => {
    assert.deepEqual(waysTo(host, setting, known, NOW), ways);
  });
}

const EARLIER = NOW - 60_000;
const LESSONS: readonly (readonly [
  what: string,
  known: Known,
  first: Transport,
  worked: Transport | undefined,
  then: Known,
])[] = [
  ['8883 works', {}, 'mqtt', 'mqtt', {}],
  ['8883 is closed, and 443 works', {}, 'mqtt', 'mqtt-ws', { closedAt: NOW }],
  ['nothing works, and nothing has', {}, 'mqtt', undefined, {}],
  ['443 works as before: the day goes on', { closedAt: EARLIER }, 'mqtt-ws', 'mqtt-ws', { closedAt: EARLIER }],
  ['443 fails', { closedAt: EARLIER }, 'mqtt-ws', undefined, { closedAt: EARLIER, failed: 'mqtt-ws' }],
  ['443 gives no answer, and 8883 works', { closedAt: EARLIER }, 'mqtt-ws', 'mqtt', {}],
  ['443 has failed, and 8883 works', { closedAt: EARLIER, failed: 'mqtt-ws' }, 'mqtt', 'mqtt', {}],
  [
    '443 has failed, 8883 is closed, and 443 works again',
    { closedAt: EARLIER, failed: 'mqtt-ws' },
    'mqtt',
    'mqtt-ws',
    { closedAt: NOW },
  ],
  [
    'neither works: they take turns',
    { closedAt: EARLIER, failed: 'mqtt-ws' },
    'mqtt',
    undefined,
    { closedAt: EARLIER, failed: 'mqtt' },
  ],
  [
    'two attempts at once that fail alike turn it once',
    { closedAt: EARLIER, failed: 'mqtt-ws' },
    'mqtt-ws',
    undefined,
    { closedAt: EARLIER, failed: 'mqtt-ws' },
  ],
  ['after the day, 8883 fails', { closedAt: BACK }, 'mqtt', undefined, { closedAt: BACK, failed: 'mqtt' }],
  ['and 443 works: another day', { closedAt: BACK, failed: 'mqtt' }, 'mqtt-ws', 'mqtt-ws', { closedAt: NOW }],
];

for (const [what, known, first, worked, then] of LESSONS) {
  test(`${what}: ${JSON.stringify(then)}`, () => assert.deepEqual(learned(known, first, worked, NOW), then));
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
