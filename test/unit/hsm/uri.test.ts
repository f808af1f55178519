import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatUri, type Pkcs11Uri, parseUri } from '../../../hsm/uri.ts';

const read: readonly (readonly [string, Pkcs11Uri])[] = [
  ['pkcs11:', {}],
  ['PKCS11:token=gw', { token: 'gw' }],
  ['pkcs11:token=gw;', { token: 'gw' }],
  ['pkcs11:object=factory;type=private', { object: 'factory', type: 'private' }],
  ['pkcs11:token=a%20b;serial=0%3B1', { token: 'a b', serial: '0;1' }],
  [
    'pkcs11:manufacturer=SoftHSM%20project;model=SoftHSM%20v2',
    { manufacturer: 'SoftHSM project', model: 'SoftHSM v2' },
  ],
  ['pkcs11:token=Gew%C3%A4chs', { token: 'Gewächs' }],
  ['pkcs11:object=a=b', { object: 'a=b' }],
  ['pkcs11:id=%01%ff', { id: Buffer.from([1, 0xff]) }],
  ['pkcs11:id=a%00b', { id: Buffer.from([0x61, 0, 0x62]) }],
  ['pkcs11:object=a?pin-source=file:/etc/pin', { object: 'a', pinSource: 'file:/etc/pin' }],
  ['pkcs11:object=a?pin-source=%2Fetc%2Fpin', { object: 'a', pinSource: '/etc/pin' }],
];

for (const [uri, expected] of read) test(`${uri} is read`, () => assert.deepEqual(parseUri(uri), expected));

const refused: readonly (readonly [string, RegExp])[] = [
  ['', /begin with/],
  ['object=a', /begin with/],
  ['http://token=a', /begin with/],
  ['pkcs11:object', /no value/],
  ['pkcs11:object=a;object=b', /twice/],
  ['pkcs11:object=a?pin-source=a&pin-source=b', /twice/],
  ['pkcs11:object=%4', /two hex digits/],
  ['pkcs11:object=100%', /two hex digits/],
  ['pkcs11:id=%zz', /two hex digits/],
  ['pkcs11:object=%ff', /not UTF-8/],
  ['pkcs11:id=', /"id" is empty/],
  ['pkcs11:object=a?module-path=/m.so', /"module-path" is not supported: the module is named by hsm.module/],
  ['pkcs11:object=a?module-name=m', /"module-name" is not supported: the module is named by hsm.module/],
  ['pkcs11:slot-id=3', /"slot-id" is not supported/],
  ['pkcs11:object=a?pin-value=1234', /"pin-value" is not supported/],
];

for (const [uri, why] of refused) {
  test(`"${uri}" is refused`, () => {
    assert.throws(() => parseUri(uri), { name: 'TokenError', code: 'URI_INVALID', message: why });
  });
}

test('a refusal does not repeat the PIN', () => {
  assert.throws(
    () => parseUri('pkcs11:object=a?pin-value=271828'),
    (error: Error) => !error.message.includes('271828'),
  );
});

test('what is written can be read again', () => {
  const uri: Pkcs11Uri = {
    token: 'a;b?c&d=e %/ü',
    serial: '0:1',
    type: 'private',
    id: Buffer.from([0, 0x25, 0x3b, 0x41, 0xff]),
    pinSource: 'file:/proc/self/fd/21',
  };
  const written = formatUri(uri);
  assert.deepEqual(parseUri(written), uri);
  assert.match(written, /\?pin-source=file:\/proc\/self\/fd\/21$/);
  assert.match(written, /;id=%00%25%3B%41%FF\?/);
});
