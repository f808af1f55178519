import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Fault } from '../../../agent/failure/failure.ts';
import { tunnel } from '../../../agent/network/proxy.ts';
import { LEFT_OUT } from '../../../agent/network/quoted.ts';
import { HttpProxy, type ProxyFault } from '../../simulator/proxy.ts';

const directory = mkdtempSync(join(tmpdir(), 'newleaf-proxy-'));
after(() => rmSync(directory, { recursive: true }));
const password = join(directory, 'password');
writeFileSync(password, 's3cret\n');

const never = new AbortController().signal;
const to = (proxy: string, name = '', file = password) => ({
  proxy,
  proxy_username: name,
  proxy_password_file: name === '' ? undefined : file,
});

const toldBy = (error: unknown): string =>
  error instanceof Fault ? `${error.failure.kind} ${error.failure.code} ${error.failure.message}` : String(error);

const met = async (attempt: Promise<unknown>): Promise<string> =>
  toldBy(
    await attempt.then(
      () => 'connected',
      (cause: unknown) => cause,
    ),
  );

/** A server on loopback that does this with each connection. */
async function server(serve: (socket: Socket) => void): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((socket) => serve(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}
const greeter = () => server((socket) => socket.end('hello'));

/** What comes of a proxy that gives this answer to everything. */
async function answered(answer: string, name = ''): Promise<unknown> {
  await using far = await server((socket) => socket.once('data', () => socket.end(answer)));
  const attempt = tunnel(to(`http://127.0.0.1:${far.port}`, name), 'hub.example', 8883, never);
  return await attempt.catch((cause: unknown) => cause);
}

test('a connection through the proxy', async () => {
  await using far = await greeter();
  await using proxy = await HttpProxy.start();
  const socket = await tunnel(to(proxy.url), 'localhost', far.port, never);
  assert.equal(String((await once(socket, 'data'))[0]), 'hello');
  assert.deepEqual(proxy.asked, [{ to: `localhost:${far.port}`, status: 200, authorization: undefined }]);
});

test('the password of a file, which is read at each attempt', async () => {
  await using far = await greeter();
  await using proxy = await HttpProxy.start('newleaf:s3cret');
  const wrong = join(directory, 'wrong');
  writeFileSync(wrong, 'guess\n');
  const attempt = () => tunnel(to(proxy.url, 'newleaf', wrong), 'localhost', far.port, never);
  assert.match(
    await met(attempt()),
    /^transient NL-NETWORK-PROXY-AUTH The proxy 127\.0\.0\.1:\d+ does not accept .*407/,
  );
  writeFileSync(wrong, 's3cret\n');
  (await attempt()).destroy();
  assert.match(
    await met(tunnel(to(proxy.url, 'newleaf', '/nowhere'), 'localhost', far.port, never)),
    /^broken NL-CONFIG network\.proxy_password_file: \/nowhere cannot be read/,
  );
});

const ANSWERS: readonly (readonly [fault: ProxyFault, words: RegExp])[] = [
  [
    { status: 403 },
    /^transient NL-NETWORK-PROXY-REFUSED .* does not let newleaf through to hub\.example:8883 \(HTTP 403\)/,
  ],
  [{ status: 502 }, /^transient NL-NETWORK-PROXY-REFUSED .* does not get through to hub\.example:8883 \(HTTP 502\)/],
  [{ status: 407 }, /^transient NL-NETWORK-PROXY-AUTH /],
  [{ status: 302 }, /^transient NL-NETWORK-PORTAL .*captive portal/],
  [{ status: 200, html: true }, /^transient NL-NETWORK-PORTAL .*captive portal/],
  [
    { hang: true },
    /^transient NL-NETWORK-PROXY-REFUSED .* accepts the connection, and gives no answer for hub\.example:8883\.$/,
  ],
];

for (const [fault, words] of ANSWERS) {
  test(`a proxy that answers ${JSON.stringify(fault)}`, async () => {
    await using proxy = await HttpProxy.start();
    proxy.fault = fault;
    assert.match(await met(tunnel(to(proxy.url), 'hub.example', 8883, never, 300)), words);
  });
}

const challenge = (one: string, words: RegExp) =>
  [
    one,
    `HTTP/1.1 407 So\r\nProxy-Authenticate: ${one}\r\nContent-Length: 0\r\n\r\n`,
    new RegExp(`^transient NL-NETWORK-PROXY-AUTH .* ${words.source}`),
  ] as const;
const RAW: readonly (readonly [what: string, answer: string, words: RegExp])[] = [
  [
    'something else',
    'SSH-2.0-OpenSSH_9.2\r\n',
    /^transient NL-NETWORK-PROXY .* answers with something that is no HTTP\./,
  ],
  ['nothing', '', /^transient NL-NETWORK-PROXY .* accepts the connection, and ends it without an answer\./],
  ...['NTLM', 'Negotiate', 'NTLM\r\nProxy-Authenticate: Negotiate', 'Digest realm="a, Basic b", nonce="c"'].map((one) =>
    challenge(one, /wants a login that newleaf does not have \(HTTP 407\): newleaf has Basic only\./),
  ),
  ...['NTLM\r\nProxy-Authenticate: Basic realm="a"', 'Digest realm="a", BASIC realm="b"', 'Basic'].map((one) =>
    challenge(one, /wants a user name and a password/),
  ),
];

for (const [what, answer, words] of RAW) {
  test(`a proxy that answers ${JSON.stringify(what)}`, async () => {
    assert.match(toldBy(await answered(answer)), words);
  });
}

const echoed = Buffer.from('newleaf:s3cret').toString('base64');
const ECHOES: readonly (readonly [what: string, answer: string])[] = [
  ['the realm of a 407', '407 So\r\nProxy-Authenticate: Basic realm="was s3cret"'],
  ['the scheme of a 407', '407 So\r\nProxy-Authenticate: s3cret'],
  ['the challenge of a 403', `403 So\r\nProxy-Authenticate: Basic ${echoed}`],
  ['the place of a 302', `302 So\r\nLocation: http://portal.example/?was=Basic%20${echoed}`],
];

for (const [what, answer] of ECHOES) {
  test(`a proxy that sends the password back in ${what}: it is in no failure`, async () => {
    const error = await answered(`HTTP/1.1 ${answer}\r\nContent-Length: 0\r\n\r\n`, 'newleaf');
    assert.ok(error instanceof Fault);
    const said = `${error.message} ${JSON.stringify(error.failure)} ${String(error.cause)}`;
    assert.doesNotMatch(said, new RegExp(`s3cret|${echoed}`));
    assert.equal(error.failure.cause, LEFT_OUT);
  });
}

test('a proxy that is not there', async () => {
  const proxy = await HttpProxy.start();
  const { url } = proxy;
  await proxy[Symbol.asyncDispose]();
  assert.match(
    await met(tunnel(to(url), 'hub.example', 8883, never)),
    /^transient NL-NETWORK-PROXY .*cannot be reached/,
  );
  const nameless = 'http://proxy.invalid:3128';
  assert.match(
    await met(tunnel(to(nameless), 'hub.example', 443, never)),
    /^transient NL-NETWORK-PROXY .*proxy\.invalid/,
  );
});

test('an abort ends it with its own reason', async () => {
  await using proxy = await HttpProxy.start();
  proxy.fault = { hang: true };
  const abort = new AbortController();
  const attempt = tunnel(to(proxy.url), 'hub.example', 443, abort.signal);
  abort.abort(new Error('enough'));
  assert.equal(await met(attempt), 'Error: enough');
});
