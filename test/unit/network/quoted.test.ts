import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { basicOf } from '../../../agent/network/basic.ts';
import { LEFT_OUT, quoted } from '../../../agent/network/quoted.ts';

const USER = 'newleaf';
const PASSWORD = 'let me "in" & <out>\\+: ü';
const SENT = basicOf(USER, PASSWORD);
const TOKEN = SENT.slice('Basic '.length);
const REQUEST = Buffer.from(`POST /est HTTP/1.1\r\nHost: ca\r\nAuthorization: ${SENT}\r\n\r\n`);
const json = JSON.stringify;
const base64 = (text: string) => Buffer.from(text).toString('base64');
const units = [...PASSWORD].map((one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
const html = [
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
].reduce((text, [from = '', to = '']) => text.replaceAll(from, to), PASSWORD);

describe('words that repeat what was sent are left out as a whole', () => {
  const rows: readonly (readonly [what: string, words: string])[] = [
    ['the header', `Refused: Authorization: ${SENT}`],
    ['the header without Basic', `token ${TOKEN} unknown`],
    ['the header, truncated', `Authorization: ${SENT.slice(0, 14)}…`],
    ['the end of the header', `…${TOKEN.slice(-8)}`],
    ['the header without the end', TOKEN.replace(/=+$/, '')],
    ['the header over lines', TOKEN.replace(/(.{5})/g, '$1\r\n\t')],
    ['the header in a URL', `/login?was=${encodeURIComponent(SENT)}`],
    ['the header, for URLs', TOKEN.replaceAll('+', '-').replaceAll('/', '_')],
    ['the header in JSON', json({ authorization: SENT })],
    ['the request in base64', `id ${REQUEST.toString('base64')}`],
    ['the request in base64, from its second byte', REQUEST.subarray(1).toString('base64')],
    ['the request in base64, from its third byte', REQUEST.subarray(2).toString('base64')],
    ['the request in base64url', REQUEST.toString('base64url')],
    ['the request in hex', REQUEST.toString('hex')],
    [
      'the request in hex, in capitals and lines',
      REQUEST.toString('hex')
        .toUpperCase()
        .replace(/(.{32})/g, '$1\n'),
    ],
    ['the password', `wrong password '${PASSWORD}'`],
    ['its beginning', `wrong password ${PASSWORD.slice(0, 8)}`],
    ['its end', `wrong password …${PASSWORD.slice(-8)}`],
    ['the password in base64', base64(PASSWORD)],
    ['the end of the password in base64', base64(PASSWORD).slice(26, 33)],
    ['user and password in base64', base64(`{"user":"x","password":"${PASSWORD}"}`)],
    ['the password in hex', Buffer.from(PASSWORD).toString('hex')],
    ['the password in a URL', `/login?password=${encodeURIComponent(PASSWORD)}`],
    ['the password in a URL, twice', encodeURIComponent(`/login?password=${encodeURIComponent(PASSWORD)}`)],
    ['the password in a form', new URLSearchParams({ p: PASSWORD }).toString()],
    ['the password in JSON', json({ password: PASSWORD })],
    ['the password in JSON, each character escaped', `{"password":"${units}"}`],
    ['JSON in JSON', json({ body: json({ password: PASSWORD }) })],
    ['JSON in JSON, in a URL', encodeURIComponent(json({ body: json({ password: PASSWORD }) }))],
    ['a page', `<p>Hello ${html}</p>`],
    ['a page with numbers', `<p>${[...PASSWORD].map((one) => `&#${one.codePointAt(0)};`).join('')}</p>`],
    ['the password, its lines split', PASSWORD.replace(/(.{3})/g, '$1\r\n ')],
    ['behind much else', `${'x'.repeat(60_000)}${PASSWORD}`],
  ];
  for (const [what, words] of rows) test(what, () => assert.equal(quoted(words, SENT), LEFT_OUT));

  const short: readonly (readonly [what: string, password: string, words: string])[] = [
    ['a short one', 's3c', 'was s3c'],
    ['a short one in base64', 's3cr', `was ${base64('s3cr')}`],
    ['a short one in hex', 's3cr', 'was 73336372'],
    ['a short one with a blank', 'a b', 'was a%20b'],
    ['one of no letters but ours', 'пароль', 'no: пароль'],
    ['one of two halves of characters', '🔑🔑', 'no: \\ud83d\\udd11\\ud83d\\udd11'],
  ];
  for (const [what, password, words] of short) {
    test(what, () => assert.equal(quoted(words, basicOf(USER, password)), LEFT_OUT));
  }
});

describe('words that do not are not touched', () => {
  const rows: readonly (readonly [words: string, password?: string])[] = [
    ['no such profile: gw-0001'],
    ['no such user: newleaf'],
    ['Basic realm="estrealm"'],
    ['https://portal.example/login?next=%2Fest&lang=en'],
    ['let me know: 5 characters in a row, without blanks'],
    ['{"error":"out of order \\u0026 \\"closed\\""}'],
    ['&#9999999; &#xfffff; &bogus; %zz \\u12 \\'],
    ['9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08'],
    ['was s3', 's3c'],
    ['anything at all', ''],
    [''],
  ];
  for (const [words, password = PASSWORD] of rows) {
    test(words, () => assert.equal(quoted(words, basicOf(USER, password)), words));
  }

  test('nor any where no secret was sent', () => assert.equal(quoted(PASSWORD, undefined), PASSWORD));
});
