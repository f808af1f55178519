import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { redactJson, redactor } from '../../../../agent/cli/bundle/redact.ts';

const plain = redactor([]);
const KEY = `${'A1b+'.repeat(10)}/9x=`;

describe('what looks like a secret', () => {
  const rows: readonly (readonly [text: string, left: string])[] = [
    ['password = "two words"', 'password = [redacted]'],
    ['EST_PASSWORD=hunter2 next', 'EST_PASSWORD=[redacted] next'],
    ['SECRET_OF_SOMEBODY=x PASSWORD2=y', 'SECRET_OF_SOMEBODY=[redacted] PASSWORD2=[redacted]'],
    ["db_passwd: 'x y', port 1", 'db_passwd: [redacted], port 1'],
    ['{"pin":"998877","spin":"no"}', '{"pin":[redacted],"spin":"no"}'],
    ['{\\"password\\":\\"abc def\\"}', '{\\"password\\":[redacted]}'],
    ['--pin 4711 --password=x --token newleaf', '--pin [redacted] --password=[redacted] --token newleaf'],
    ['PIN 998877 was refused', 'PIN [redacted] was refused'],
    ['pkcs11:token=x?pin-value=9999&module-path=/x', 'pkcs11:token=x?pin-value=[redacted]&module-path=/x'],
    ['https://user:pw@host/x', 'https://[redacted]@host/x'],
    ['https://token@host/x', 'https://[redacted]@host/x'],
    ['https://h/?api_key=zzz&b=1', 'https://h/?api_key=[redacted]&b=1'],
    ['Authorization: Basic Zm9vOmJhcg==', 'Authorization: [redacted]'],
    ['sent Basic Zm9vOmJhcg== to it', 'sent Basic [redacted] to it'],
    ['SharedAccessSignature sr=a&sig=b&se=1', 'SharedAccessSignature [redacted]'],
    [
      'HostName=h;SharedAccessKeyName=o;SharedAccessKey=AA+/=',
      'HostName=h;SharedAccessKeyName=o;SharedAccessKey=[redacted]',
    ],
    [`the key ${KEY} of the device`, 'the key [redacted] of the device'],
    ['eyJhbGciOi.eyJzdWIi.sig-na_ture', '[redacted]'],
    ['a -----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY----- b', 'a [redacted] b'],
    ['-----BEGIN EC PRIVATE KEY-----\\nMII, and the rest is cut off', '[redacted]'],
  ];
  for (const [text, left] of rows) test(text, () => assert.equal(plain(text), left));
});

describe('what only resembles one', () => {
  const rows: readonly string[] = [
    'pin_file = "/etc/newleaf/pin"',
    'issuer.est.password_file = "/etc/newleaf/est"',
    'SharedAccessKeyName=iothubowner',
    'token = "newleaf"',
    '{"id":"pin","outcome":"ok"}',
    'NL-TOKEN-PIN The token refused the PIN.',
    'HTTP Basic for the first enrolment',
    'basicConstraints CA:FALSE, keyUsage critical',
    'A1B2'.repeat(16),
    '-----BEGIN CERTIFICATE-----',
    'https://host.example.com:8443/.well-known/est',
    'leaf-key: the key signs',
    '2026-11-25T13:49:53.000Z newleaf[4711]: {"level":"info"}',
  ];
  for (const text of rows) test(text, () => assert.equal(plain(text), text));
});

describe('what is known to be one', () => {
  const secret = 'p"ä/s+s w0rd';
  const known = redactor([secret, '4711', '12']);
  const shift = (before: string) => Buffer.from(`${before}${secret}!`).toString('base64');
  const rows: readonly (readonly [text: string, left: string])[] = [
    [`as it is: ${secret}`, 'as it is: [redacted]'],
    [JSON.stringify({ it: secret }), '{"it":"[redacted]"}'],
    [encodeURIComponent(secret), '[redacted]'],
    [Buffer.from(secret).toString('hex'), '[redacted]'],
    [Buffer.from(secret).toString('hex').toUpperCase(), '[redacted]'],
    ['a short one is a word: 4711', 'a short one is a word: [redacted]'],
    ['and nothing within: 47112 94711 0x4711f', 'and nothing within: 47112 94711 0x4711f'],
    ['two digits are everywhere: 12', 'two digits are everywhere: 12'],
  ];
  for (const [text, left] of rows) test(text, () => assert.equal(known(text), left));

  test('one that is the beginning of another', () => {
    assert.equal(redactor(['planted', 'planted-more'])('planted-more, planted'), '[redacted], [redacted]');
  });

  test('within the base64 of something longer, wherever it begins', () => {
    for (const before of ['', 'u', 'us', 'use', 'user:']) {
      const left = known(shift(before));
      assert.match(left, /\[redacted\]/);
      const still = Buffer.from(left.replace('[redacted]', ''), 'base64').toString('latin1');
      assert.ok(!still.includes('w0r'), still);
    }
  });
});

test('JSON stays JSON', () => {
  const known = redactor(['planted-secret']);
  const value = {
    password: 'x',
    pin: 4711,
    deep: [{ message: 'it is planted-secret', count: 3, none: null, url: 'https://a:b@c' }],
    'planted-secret': true,
  };
  assert.deepEqual(redactJson(value, known), {
    password: '[redacted]',
    pin: '[redacted]',
    deep: [{ message: 'it is [redacted]', count: 3, none: null, url: 'https://[redacted]@c' }],
    '[redacted]': true,
  });
});

test('a long line costs no time', () => {
  const from = process.cpuUsage();
  for (const text of ['a'.repeat(1_000_000), 'a+b.'.repeat(250_000), 'pin-'.repeat(250_000), '"'.repeat(100_000)])
    plain(text);
  const { user } = process.cpuUsage(from);
  assert.ok(user < 5_000_000, `${user} µs`);
});
