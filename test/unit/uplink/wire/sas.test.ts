import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { byKey } from '../../../../agent/uplink/wire/sas.ts';

const KEYS = { sensors: randomBytes(32).toString('base64'), meter: randomBytes(32).toString('base64') };
const PROGRAMS = Object.entries(KEYS).map(([name, key]) => ({ name, key }));
const NOW = Date.parse('2026-11-26T12:00:00Z');
const LATER = NOW / 1_000 + 3_600;

interface Token {
  readonly resource?: string;
  readonly expiry?: number | string;
  readonly order?: readonly ('sr' | 'sig' | 'se' | 'skn')[];
  readonly encode?: (text: string) => string;
}

/** A SAS as an SDK makes it: the resource is signed as it stands in the token. */
function sas(key: string, { resource = 'hub.azure-devices.net%2Fdevices%2Fdev', expiry = LATER, ...more }: Token = {}) {
  const { order = ['sr', 'sig', 'se'], encode = encodeURIComponent } = more;
  const sig = createHmac('sha256', Buffer.from(key, 'base64')).update(`${resource}\n${expiry}`).digest('base64');
  const fields = { sr: resource, sig: encode(sig), se: expiry, skn: '' };
  return `SharedAccessSignature ${order.map((name) => `${name}=${fields[name]}`).join('&')}`;
}

const byMeter = (token?: Token) => sas(KEYS.meter, token);

function answer(username: string | undefined, password: string | undefined, now: number | undefined = NOW) {
  const authenticate = byKey(
    () => PROGRAMS,
    () => now,
  );
  return authenticate({
    clientId: 'dev',
    username,
    password: password === undefined ? undefined : Buffer.from(password),
  });
}

/** As C# encodes it. */
const lowerCase = (text: string) => encodeURIComponent(text).replaceAll(/%../g, (hex) => hex.toLowerCase());
const USER = 'hub.azure-devices.net/dev/?api-version=2021-04-12';

describe('a SAS', () => {
  const rows: readonly (readonly [what: string, username: string, password: string, answer: string | number])[] = [
    ['node', `${USER}&DeviceClientType=azure-iot-device%2F1.18.4`, byMeter(), 'meter'],
    ['python', 'gw.local/sensors/?api-version=2019-10-01', sas(KEYS.sensors), 'sensors'],
    ['c: slashes as they are', 'h/d/?api-version=2020-09-30', byMeter({ resource: 'h/devices/d' }), 'meter'],
    ['c: with an empty skn', USER, byMeter({ order: ['sr', 'sig', 'se', 'skn'] }), 'meter'],
    ['csharp: lower-case encoding', USER, byMeter({ encode: lowerCase }), 'meter'],
    ['java: another order', USER, byMeter({ order: ['se', 'sig', 'sr'] }), 'meter'],
    ['embedded c: no ?', 'hub/dev/api-version=2020-09-30', byMeter(), 'meter'],
    ['a signature that is not encoded', USER, byMeter({ encode: (text) => text }), 'meter'],
    ['the key of another program than the user name', 'hub/sensors/?api-version=2021-04-12', byMeter(), 'meter'],
    ['an unknown key', USER, sas(randomBytes(32).toString('base64')), 5],
    ['the empty key', USER, sas(''), 5],
    ['expired', USER, byMeter({ expiry: NOW / 1_000 }), 5],
    ['a second to go', USER, byMeter({ expiry: NOW / 1_000 + 1 }), 'meter'],
    ['an expiry in words', USER, byMeter({ expiry: 'never' }), 5],
    ['another expiry than was signed', USER, byMeter().replace(`se=${LATER}`, `se=${LATER + 1}`), 5],
    ['another resource than was signed', USER, byMeter().replace('devices', 'device5'), 5],
    ['without a signature', USER, byMeter({ order: ['sr', 'se'] }), 5],
    ['without an expiry', USER, byMeter({ order: ['sr', 'sig'] }), 5],
    ['an encoding that is none', USER, 'SharedAccessSignature sr=a&sig=%zz&se=99999999999', 5],
    ['a short signature', USER, 'SharedAccessSignature sr=a&sig=AAAA&se=99999999999', 5],
  ];
  for (const [what, username, password, expected] of rows) {
    test(`${what}: ${expected}`, () => assert.equal(answer(username, password), expected));
  }

  test('is not judged expired while the clock is not credible', () => {
    const old = byMeter({ expiry: 1 });
    const authenticate = byKey(
      () => PROGRAMS,
      () => undefined,
    );
    assert.equal(authenticate({ clientId: '', username: USER, password: Buffer.from(old) }), 'meter');
    assert.equal(answer(USER, old), 5);
  });

  test('whatever text comes: a refusal, never an error', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (username, text) => {
        for (const password of [
          text,
          `SharedAccessSignature ${text}`,
          `SharedAccessSignature sr=${text}&sig=%${text}&se=1`,
        ]) {
          assert.equal(typeof answer(username, password), 'number');
        }
      }),
    );
  });
});

describe('a name and a key', () => {
  const rows: readonly (readonly [
    what: string,
    username: string | undefined,
    password: string | undefined,
    answer: string | number,
  ])[] = [
    ['of a program', 'sensors', KEYS.sensors, 'sensors'],
    ['of two programs', 'sensors', KEYS.meter, 4],
    ['of no program', 'thief', KEYS.meter, 4],
    ['with a key that is cut off', 'sensors', KEYS.sensors.slice(0, -1), 4],
    ['without a key', 'sensors', undefined, 4],
    ['with an empty key', 'sensors', '', 4],
    ['without a name', undefined, KEYS.sensors, 4],
    ['without both', undefined, undefined, 4],
  ];
  for (const [what, username, password, expected] of rows) {
    test(`${what}: ${expected}`, () => assert.equal(answer(username, password), expected));
  }

  test('a program whose key is missing lets no client in', () => {
    const authenticate = byKey(
      () => [{ name: 'sensors', key: '' }],
      () => NOW,
    );
    assert.equal(authenticate({ clientId: '', username: 'sensors', password: Buffer.from('') }), 4);
    assert.equal(authenticate({ clientId: '', username: USER, password: Buffer.from(sas('')) }), 5);
  });
});
