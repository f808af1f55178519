import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { enrolment } from '../../../agent/issuer/enrolment.ts';
import { exchange } from '../../../agent/issuer/exchange.ts';
import { basicOf } from '../../../agent/network/basic.ts';
import { LEFT_OUT } from '../../../agent/network/quoted.ts';
import { authority, files, issueFrom, type Script, type Seen, serve, status } from './est-server.ts';
import { failureOf } from './script.ts';

const USER = 'newleaf';
const PASSWORD = 'let me "in" & <out>: ü';
const PAIR = `${USER}:${PASSWORD}`;
const BASE64 = Buffer.from(PAIR).toString('base64');
/** Each of them alone is a part of the password. */
const TRACES = [PASSWORD, 'let m', 'let%20m', 'let+m', '&lt;out', 'out&gt;'].concat(
  Array.from({ length: BASE64.length - 8 }, (_, at) => BASE64.slice(at, at + 8)),
);

const html = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
/** The header as it is on the wire. */
const requestOf = (seen: Seen) => Buffer.from(`POST /x HTTP/1.1\r\nAuthorization: ${sent(seen)}\r\n`);
const sent = ({ headers }: Seen): string => headers.authorization ?? '';

/** What servers and proxies say when they refuse, with what was sent to them in it. */
const echoes: readonly (readonly [what: string, script: Script])[] = [
  ['the header, in the body', (out, seen) => status(403, {}, `Refused: Authorization: ${sent(seen)}`)(out, seen)],
  ['all headers, as JSON', (out, seen) => status(400, {}, JSON.stringify(seen.headers, undefined, 2))(out, seen)],
  ['the header without Basic', (out, seen) => status(403, {}, `token ${sent(seen).slice(6)} unknown`)(out, seen)],
  ['its base64 without the end', (out, seen) => status(403, {}, sent(seen).replace(/=+$/, ''))(out, seen)],
  ['its base64 over lines', (out, seen) => status(403, {}, sent(seen).replace(/(.{20})/g, '$1\r\n '))(out, seen)],
  ['user and password', status(401, {}, `no such user: ${PAIR}`)],
  ['the password', status(500, {}, `wrong password '${PASSWORD}' for ${USER}`)],
  ['the password, as JSON', status(400, {}, JSON.stringify({ user: USER, password: PASSWORD }))],
  ['the password, in a URL', status(403, {}, `/login?password=${encodeURIComponent(PASSWORD)}`)],
  ['the password, in a form', status(403, {}, new URLSearchParams({ p: PASSWORD }).toString())],
  ['the password, in a page', status(403, {}, `<p>Hello ${html(PAIR)}</p>`)],
  ['the password over lines', status(403, {}, `wrong: ${PASSWORD.replaceAll(' ', '\n')}`)],
  ['a redirect', (out, seen) => status(302, { Location: `/login?was=${encodeURIComponent(sent(seen))}` })(out, seen)],
  ['a challenge', (out, seen) => status(401, { 'WWW-Authenticate': `Basic realm="${sent(seen)}"` })(out, seen)],
  ['a type', (out, seen) => status(200, { 'Content-Type': sent(seen) }, 'x')(out, seen)],
  ['the header, truncated', (out, seen) => status(403, {}, `Authorization: ${sent(seen).slice(0, 22)}…`)(out, seen)],
  ['the password, in base64', status(403, {}, `was ${Buffer.from(PASSWORD).toString('base64')}`)],
  ['the request, in base64', (out, seen) => status(403, {}, `id ${requestOf(seen).toString('base64')}`)(out, seen)],
  ['the request, in hex', (out, seen) => status(403, {}, requestOf(seen).toString('hex').toUpperCase())(out, seen)],
  ['the password, as JSON in JSON', status(400, {}, JSON.stringify(JSON.stringify({ p: PASSWORD })))],
  ['the password, its lines split', status(403, {}, `wrong: ${PASSWORD.replace(/(.{4})/g, '$1\r\n')}`)],
  ['at the end of what is quoted', status(403, {}, `${'x'.repeat(295)}${PASSWORD}`)],
  ['in more than is read', (out, seen) => status(403, {}, `${sent(seen)}${' x'.repeat(65_530)}`)(out, seen)],
];

const credentials = (t: TestContext) => {
  const { passwordFile = '' } = files(t, { passwordFile: `${PASSWORD}\n` });
  return { username: USER, passwordFile };
};

function assertClean(said: unknown): void {
  const text = JSON.stringify(said);
  for (const trace of TRACES) assert.ok(!text.includes(trace), `${trace} in ${text}`);
}

describe('a server that sends our credentials back: they are in no failure', () => {
  for (const [what, script] of echoes) {
    test(what, async (t) => {
      const failure = await failureOf(issueFrom(t, await serve(t, script), credentials(t)));
      assertClean(failure);
      assert.match(failure.code, /^NL-EST-/);
      assert.ok(JSON.stringify(failure).includes(LEFT_OUT), JSON.stringify(failure));
    });
  }

  test('at the end of what is read: too short to be known', async (t) => {
    const est = await serve(t, status(403, {}, `${' '.repeat(65_530)}${PASSWORD}`));
    assertClean(await failureOf(issueFrom(t, est, credentials(t))));
  });

  test('words without them are kept', async (t) => {
    const est = await serve(t, status(403, {}, `no such user: ${USER} in realm 7`));
    const { cause } = await failureOf(issueFrom(t, est, credentials(t)));
    assert.equal(cause, 'no such user: newleaf in realm 7');
  });

  test('a trial of the credentials', async (t) => {
    const est = await serve(t, (response, seen) =>
      seen.line.startsWith('GET') ? status(404)(response, seen) : status(401, {}, sent(seen))(response, seen),
    );
    const signal = AbortSignal.timeout(60_000);
    const errand = enrolment(est.url, 'simpleenroll', basicOf(USER, PASSWORD));
    assertClean((await exchange({ ...errand, tls: { ca: authority.rootPem }, signal })).body.toString());
  });
});

test('what was issued is not touched, whatever the password is', async (t) => {
  const body = Buffer.from('MAAA MIIB AAAA');
  const est = await serve(t, (response) => void response.writeHead(200).end(body));
  const errand = enrolment(est.url, 'simpleenroll', basicOf('u', 'A'));
  const signal = AbortSignal.timeout(60_000);
  const reply = await exchange({ ...errand, tls: { ca: authority.rootPem }, signal });
  assert.deepEqual(reply.body, body);
});
