import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ask } from '../../../agent/ask/ask.ts';
import { METHOD_NAMES, readCall } from '../../../agent/hub/methods.ts';

const ask = (kind: 're-register' | 'roll', more: { id?: string; delayMs?: number } = {}): Ask => ({
  kind,
  from: 'method',
  delayMs: 0,
  ...more,
});

const PEM = 'subject=CN = gw-0001\r\n-----BEGIN PKCS7-----\r\nMIAC\r\n-----END PKCS7-----\r\n';

const GOOD: readonly (readonly [string, unknown, Ask])[] = [
  ['reprovision', undefined, ask('re-register')],
  ['reprovision', null, ask('re-register')],
  ['reprovision', {}, ask('re-register')],
  ['reprovision', { action: 'register' }, ask('re-register')],
  ['reprovision', { action: 'roll', id: 'r-1', delaySeconds: 30 }, ask('roll', { id: 'r-1', delayMs: 30_000 })],
  ['reprovision', { delaySeconds: 0.0015 }, ask('re-register', { delayMs: 2 })],
  ['reprovision', { delaySeconds: 86_400 }, ask('re-register', { delayMs: 86_400_000 })],
  ['reprovision', { id: 'x'.repeat(128) }, ask('re-register', { id: 'x'.repeat(128) })],
  ['leafStatus', null, { kind: 'status' }],
  ['leafStatus', {}, { kind: 'status' }],
  ['leafStatus', { pem: false }, { kind: 'status' }],
  ['leafStatus', { pem: true }, { kind: 'status', pem: true }],
  ['requestCsr', null, { kind: 'csr', from: 'method', newKey: false }],
  ['requestCsr', { id: 'c-1' }, { kind: 'csr', from: 'method', newKey: false }],
  ['requestCsr', { newKey: true }, { kind: 'csr', from: 'method', newKey: true }],
  ['requestCsr', { onboarding: true }, { kind: 'onboarding-csr' }],
  ['installLeaf', { chain: PEM }, { kind: 'install', from: 'method', delivered: Buffer.from(PEM) }],
  [
    'installLeaf',
    { chain: PEM, id: 'i-1' },
    { kind: 'install', from: 'method', id: 'i-1', delivered: Buffer.from(PEM) },
  ],
];

for (const [name, payload, expected] of GOOD) {
  test(`${name} ${JSON.stringify(payload)?.slice(0, 60)}`, () => {
    assert.deepEqual(readCall(name, payload), { ask: expected });
  });
}

const BAD: readonly (readonly [string, unknown, string])[] = [
  ['reprovision', { action: 'Roll' }, 'action'],
  ['reprovision', { action: null }, 'action'],
  ['reprovision', { id: '' }, 'id'],
  ['reprovision', { id: 7 }, 'id'],
  ['reprovision', { id: 'x'.repeat(129) }, 'id'],
  ['reprovision', { delaySeconds: -1 }, 'delaySeconds'],
  ['reprovision', { delaySeconds: 86_401 }, 'delaySeconds'],
  ['reprovision', { delaySeconds: '5' }, 'delaySeconds'],
  ['reprovision', { delaySeconds: null }, 'delaySeconds'],
  ['reprovision', { action: 'roll', delay: 5 }, 'delay'],
  ['reprovision', JSON.parse('{"__proto__": {"action": "roll"}}'), '__proto__'],
  ['reprovision', [], 'payload'],
  ['reprovision', 'roll', 'payload'],
  ['reprovision', 5, 'payload'],
  ['reprovision', false, 'payload'],
  ['leafStatus', { verbose: true }, 'verbose'],
  ['leafStatus', { pem: 'true' }, 'pem'],
  ['leafStatus', { pem: null }, 'pem'],
  ['requestCsr', { newKey: 'true' }, 'newKey'],
  ['requestCsr', { newKey: null }, 'newKey'],
  ['requestCsr', { id: '' }, 'id'],
  ['requestCsr', { id: 7 }, 'id'],
  ['requestCsr', { key: 'ec-p256' }, 'key'],
  ['requestCsr', ['c-1'], 'payload'],
  ['installLeaf', null, 'chain'],
  ['installLeaf', {}, 'chain'],
  ['installLeaf', { chain: '' }, 'chain'],
  ['installLeaf', { chain: null }, 'chain'],
  ['installLeaf', { chain: [PEM] }, 'chain'],
  ['installLeaf', { chain: { pem: PEM } }, 'chain'],
  ['installLeaf', { chain: 'MIAC' }, 'chain'],
  ['installLeaf', { chain: PEM, id: 'x'.repeat(129) }, 'id'],
  ['installLeaf', { chain: PEM, leaf: PEM }, 'leaf'],
  ['installLeaf', PEM, 'payload'],
  ['constructor', {}, 'method'],
];

for (const [name, payload, field] of BAD) {
  test(`${name} ${JSON.stringify(payload).slice(0, 60)}: ${field} is wrong`, () => {
    const call = readCall(name, payload);
    assert('wrong' in call);
    assert.equal(call.wrong.field, field);
    assert.match(call.wrong.message, new RegExp(`^${field} (must be |is not known here)`));
  });
}

test('the methods of the device', () => {
  assert.deepEqual(METHOD_NAMES, ['reprovision', 'leafStatus', 'requestCsr', 'installLeaf']);
});
