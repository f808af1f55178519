import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificatesOf } from '../../../agent/certificate/pem.ts';
import type { FailureKind } from '../../../agent/failure/failure.ts';
import { pkcs7Indefinite } from '../certificate/deliver.ts';
import { answer, issued, issueFrom, issuer, PKCS7_TYPE, type Script, serve, status } from './est-server.ts';
import { failureOf } from './script.ts';

const statuses: [number, string, FailureKind][] = [
  [201, 'NL-EST-BODY', 'transient'],
  [202, 'NL-EST-WAIT', 'transient'],
  [204, 'NL-EST-BODY', 'transient'],
  [400, 'NL-EST-REFUSED', 'refused'],
  [401, 'NL-EST-AUTH', 'refused'],
  [403, 'NL-EST-AUTH', 'refused'],
  [404, 'NL-EST-REFUSED', 'refused'],
  [429, 'NL-EST-REFUSED', 'refused'],
  [500, 'NL-EST-SERVER', 'transient'],
  [503, 'NL-EST-SERVER', 'transient'],
];

for (const [code, expected, kind] of statuses) {
  test(`${code} is ${expected}`, async (t) => {
    const failure = await failureOf(issueFrom(t, await serve(t, status(code))));
    assert.equal(failure.code, expected);
    assert.equal(failure.kind, kind);
    assert.match(failure.message, new RegExp(`simpleenroll with ${code}`));
    assert.equal(failure.retryAfterMs, undefined);
  });
}

test('the words of a refusing server are kept, their beginning', async (t) => {
  const est = await serve(t, status(400, {}, `no such\r\n  profile ${'x'.repeat(100_000)}`));
  const { code, cause = '' } = await failureOf(issueFrom(t, est));
  assert.equal(code, 'NL-EST-REFUSED');
  assert.match(cause, /^no such profile xxx/);
  assert.ok(cause.length <= 300);
});

test('a path where no EST server is: the URL is what to look at', async (t) => {
  const { advice } = await failureOf(issueFrom(t, await serve(t, status(404))));
  assert.match(advice, /issuer\.est\.url/);
});

test('a server that wants another kind of credentials is quoted', async (t) => {
  const est = await serve(t, status(401, { 'WWW-Authenticate': 'Digest realm="estrealm"' }));
  assert.equal((await failureOf(issueFrom(t, est))).cause, 'Digest realm="estrealm"');
});

test('a redirect is refused, and not followed', async (t) => {
  const elsewhere = await serve(t, status(200));
  const est = await serve(t, status(307, { Location: `${elsewhere.url}/simpleenroll` }));
  const { code, cause } = await failureOf(issueFrom(t, est));
  assert.equal(code, 'NL-EST-REFUSED');
  assert.equal(cause, `${elsewhere.url}/simpleenroll`);
  assert.deepEqual(elsewhere.seen, []);
});

const date = (ms: number): string => new Date(Date.now() + ms).toUTCString();
const retries: [number, string, number | undefined][] = [
  [202, '3600', 3_600_000],
  [202, '0', 0],
  [503, '120', 120_000],
  [429, '30', 30_000],
  [202, date(-60_000), 0],
  [202, 'soon', undefined],
  [202, '-5', undefined],
  [202, '99999999999999999999', undefined],
];

for (const [code, value, expected] of retries) {
  test(`Retry-After: ${value} with ${code}`, async (t) => {
    const { retryAfterMs } = await failureOf(issueFrom(t, await serve(t, status(code, { 'Retry-After': value }))));
    assert.equal(retryAfterMs, expected);
  });
}

test('Retry-After as a date, by the clock of the gateway', async (t) => {
  const est = await serve(t, status(202, { 'Retry-After': 'Tue, 01 Jan 2030 00:01:40 GMT' }));
  const { retryAfterMs } = await failureOf(issueFrom(t, est, { now: () => Date.UTC(2030, 0) }));
  assert.equal(retryAfterMs, 100_000);
});

const ok =
  (body: string, type = PKCS7_TYPE): Script =>
  (response) =>
    void response.writeHead(200, type === '' ? {} : { 'Content-Type': type }).end(body);

const accepted: [string, Script][] = [
  ['a type without parameters', ok(answer, 'application/pkcs7-mime')],
  ['a type in capitals', ok(answer, 'Application/PKCS7-MIME; charset=utf-8')],
  ['base64 wrapped by CRLF', ok(answer.replace(/.{76}/g, '$&\r\n'))],
  ['indefinite lengths and a CRL', ok(pkcs7Indefinite(issued, issuer).toString('base64'))],
];

for (const [what, script] of accepted) {
  test(`read: ${what}`, async (t) => {
    assert.deepEqual(certificatesOf(await issueFrom(t, await serve(t, script))), [issued.der, issuer.der]);
  });
}

const endless: Script = (response) => {
  response.writeHead(200, { 'Content-Type': PKCS7_TYPE });
  const more = () => {
    while (response.write('A'.repeat(16_384))) {}
  };
  response.on('drain', more);
  more();
};

const malformed: [string, Script, RegExp][] = [
  ['HTML', ok('<html>Welcome</html>', 'text/html'), /pkcs7-mime; got text\/html/],
  ['no content type', ok(answer, ''), /pkcs7-mime; got none/],
  ['a type that only begins alike', ok(answer, 'application/pkcs7-mime-x'), /got application\/pkcs7-mime-x/],
  ['an empty body', ok(''), /not base64/],
  ['no base64', ok('{"certificate": null}'), /not base64/],
  ['base64 of nothing in particular', ok(Buffer.from('hello, world').toString('base64')), /no PKCS#7/],
  ['base64 of a certificate', ok(issued.der.toString('base64')), /no PKCS#7/],
  ['a PKCS#7 cut in the middle', ok(answer.slice(0, 400)), /no PKCS#7/],
  ['a PKCS#7 without certificates', ok(pkcs7Indefinite().toString('base64')), /no certificate/],
  ['an endless body', endless, /longer than 65536 bytes/],
];

for (const [what, script, sentence] of malformed) {
  test(`NL-EST-BODY: ${what}`, async (t) => {
    const { code, message } = await failureOf(issueFrom(t, await serve(t, script)));
    assert.equal(code, 'NL-EST-BODY');
    assert.match(message, sentence);
  });
}
