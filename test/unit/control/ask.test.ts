import assert from 'node:assert/strict';
import { test } from 'node:test';
import { longestBody, readAsk } from '../../../agent/control/ask.ts';

const from = 'technician';
const PEM = 'subject=CN = gw-0001\n-----BEGIN CERTIFICATE-----\nMIAC\n-----END CERTIFICATE-----\n';
const DER = Buffer.from('3080020100', 'hex');
const base64 = (content: string | Buffer) => Buffer.from(content).toString('base64');
const LARGEST = 262_144;

const ASKS: readonly (readonly [path: string, body: string, ask: object])[] = [
  ['/v1/reprovision', '', { kind: 're-register', from, delayMs: 0 }],
  ['/v1/reprovision', ' \n', { kind: 're-register', from, delayMs: 0 }],
  ['/v1/reprovision', '{"id":"a","delaySeconds":1.5}', { kind: 're-register', from, id: 'a', delayMs: 1500 }],
  ['/v1/roll', '{}', { kind: 'roll', from, delayMs: 0, discard: false }],
  ['/v1/roll', '{"id":"b","discard":true}', { kind: 'roll', from, id: 'b', delayMs: 0, discard: true }],
  ['/v1/csr', '', { kind: 'csr', from, newKey: false }],
  ['/v1/csr', '{"newKey":true}', { kind: 'csr', from, newKey: true }],
  ['/v1/csr', '{"onboarding":true}', { kind: 'onboarding-csr' }],
  ['/v1/leaf', JSON.stringify({ leaf: PEM }), { kind: 'install', from, delivered: Buffer.from(PEM) }],
  ['/v1/leaf', JSON.stringify({ leaf: base64(PEM) }), { kind: 'install', from, delivered: Buffer.from(PEM) }],
  ['/v1/leaf', '{"leaf":"MIAC\\nAQA=\\n","id":"c"}', { kind: 'install', from, id: 'c', delivered: DER }],
  ['/v1/leaf', '{"leaf":"MIACAQA"}', { kind: 'install', from, delivered: DER }],
];

for (const [path, body, ask] of ASKS)
  test(`${path} ${JSON.stringify(body)}`, () => assert.deepEqual(readAsk(path, body), { ask }));

const WRONG: readonly (readonly [path: string, body: string, field: string, message: RegExp])[] = [
  ['/v1/roll', '{', 'body', /must be a JSON object/],
  ['/v1/roll', '[]', 'body', /must be a JSON object/],
  ['/v1/roll', 'null', 'body', /must be a JSON object/],
  ['/v1/roll', '"roll"', 'body', /must be a JSON object/],
  ['/v1/roll', '{"delaySeconds":1}', 'delaySeconds', /^delaySeconds is not known here; known are id, discard$/],
  ['/v1/roll', '{"__proto__":1}', '__proto__', /is not known here/],
  ['/v1/roll', '{"constructor":1}', 'constructor', /is not known here/],
  ['/v1/roll', '{"discard":"yes"}', 'discard', /must be true or false/],
  ['/v1/roll', '{"id":""}', 'id', /must be a text of 1 to 128 characters/],
  ['/v1/roll', `{"id":"${'x'.repeat(129)}"}`, 'id', /must be a text of 1 to 128 characters/],
  ['/v1/roll', '{"id":7}', 'id', /must be a text/],
  ['/v1/reprovision', '{"delaySeconds":-1}', 'delaySeconds', /must be a number from 0 to 86400/],
  ['/v1/reprovision', '{"delaySeconds":86401}', 'delaySeconds', /must be a number from 0 to 86400/],
  ['/v1/reprovision', '{"delaySeconds":"5"}', 'delaySeconds', /must be a number/],
  ['/v1/reprovision', '{"delaySeconds":null}', 'delaySeconds', /must be a number/],
  ['/v1/leaf', '', 'leaf', /^leaf must be PEM, or the base64 of PEM, DER or PKCS#7, of 1 to 262144 bytes$/],
  ['/v1/leaf', '{"id":"a"}', 'leaf', /must be PEM/],
  ['/v1/leaf', '{"leaf":""}', 'leaf', /must be PEM/],
  ['/v1/leaf', '{"leaf":null}', 'leaf', /must be PEM/],
  ['/v1/leaf', '{"leaf":["MIAC"]}', 'leaf', /must be PEM/],
  ['/v1/leaf', '{"leaf":"see attachment."}', 'leaf', /must be PEM/],
  ['/v1/leaf', '{"leaf":"/etc/newleaf/gw.pem"}', 'leaf', /must be PEM/],
  ['/v1/leaf', JSON.stringify({ leaf: base64(Buffer.alloc(LARGEST + 1)) }), 'leaf', /must be PEM/],
  ['/v1/leaf', JSON.stringify({ leaf: PEM.padEnd(LARGEST + 1) }), 'leaf', /must be PEM/],
  ['/v1/leaf', '{"leaf":"MIAC","wait":true}', 'wait', /is not known here; known are leaf, id/],
  ['/v1/leaves', '{}', 'path', /must be one of/],
];

for (const [path, body, field, message] of WRONG)
  test(`refused: ${path} ${body.slice(0, 40)}`, () => {
    const reading = readAsk(path, body);
    assert.ok('wrong' in reading);
    assert.equal(reading.wrong.field, field);
    assert.match(reading.wrong.message, message);
  });

test('the longest body is one that the largest chain fits into, as base64 and as PEM in JSON', () => {
  for (const leaf of [base64(Buffer.alloc(LARGEST)), `${PEM}${'A\n'.repeat(LARGEST / 2)}`.slice(0, LARGEST)]) {
    const body = JSON.stringify({ leaf });
    assert.ok(body.length <= longestBody('/v1/leaf'));
    assert.ok('ask' in readAsk('/v1/leaf', body));
  }
  assert.equal(longestBody('/v1/roll'), 65_536);
});
