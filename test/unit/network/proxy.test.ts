import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
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

async function met(attempt: Promise<unknown>): Promise<string> {
  const error: unknown = await attempt.then(
    () => 'connected',
    (cause: unknown) => cause,
  );
  return error instanceof Fault
    ? `${error.failure.kind} ${error.failure.code} ${error.failure.message}`
    : String(error);
}

/** A server that says its name and closes. */
async function greeter(): Promise<AsyncDisposable & { readonly port: number }> {
  const server = createServer((socket) => socket.end('hello'));
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

const RAW: readonly (readonly [what: string, answer: string, words: RegExp])[] = [
  [
    'something else',
    'SSH-2.0-OpenSSH_9.2\r\n',
    /^transient NL-NETWORK-PROXY .* answers with something that is no HTTP\./,
  ],
  ['nothing', '', /^transient NL-NETWORK-PROXY .* accepts the connection, and ends it without an answer\./],
  ...['NTLM', 'Negotiate', 'NTLM\r\nProxy-Authenticate: Negotiate', 'Digest realm="a, Basic b", nonce="c"'].map(
    (challenge) =>
      [
        challenge,
        `HTTP/1.1 407 So\r\nProxy-Authenticate: ${challenge}\r\nContent-Length: 0\r\n\r\n`,
        /^transient NL-NETWORK-PROXY-AUTH .* wants a login that newleaf does not have \(HTTP 407\): newleaf has Basic only\./,
      ] as const,
  ),
  ...['NTLM\r\nProxy-Authenticate: Basic realm="a"', 'Digest realm="a", BASIC realm="b"', 'Basic'].map(
    (challenge) =>
      [
        challenge,
        `HTTP/1.1 407 So\r\nProxy-Authenticate: ${challenge}\r\nContent-Length: 0\r\n\r\n`,
        /^transient NL-NETWORK-PROXY-AUTH .* wants a user name and a password/,
      ] as const,
  ),
];

for (const [what, answer, words] of RAW) {
  test(`a proxy that answers ${JSON.stringify(what)}`, async () => {
    const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(answer)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    assert.match(await met(tunnel(to(`http://127.0.0.1:${port}`), 'hub.example', 8883, never)), words);
    server.close();
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
    const server = createServer((socket) =>
      socket.on('error', () => {}).once('data', () => socket.end(`HTTP/1.1 ${answer}\r\nContent-Length: 0\r\n\r\n`)),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const attempt = tunnel(to(`http://127.0.0.1:${port}`, 'newleaf'), 'hub.example', 8883, never);
    const error: unknown = await attempt.catch((cause: unknown) => cause);
    server.close();
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
