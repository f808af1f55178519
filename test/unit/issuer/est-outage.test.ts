import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { exchangeInTime } from '../../../agent/cli/proof/exchange-in-time.ts';
import { withEnvironment } from '../../put-back.ts';
import { Authority } from '../../simulator/ca.ts';
import { authority, basic, grant, issueFrom, PKCS7_TYPE, portOf, type Script, serve, server } from './est-server.ts';
import { failureOf } from './script.ts';

/** Any server that talks no HTTP. */
async function listen(t: TestContext, listener: Server): Promise<{ url: string }> {
  const sockets = new Set<Socket>();
  listener.on('connection', (socket) => sockets.add(socket));
  await once(listener.listen(0, '127.0.0.1'), 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return { url: `https://127.0.0.1:${portOf(listener.address())}/est` };
}

test('nobody listens: NL-EST-UNREACHABLE, with host and cause', async (t) => {
  const est = await serve(t, grant);
  await new Promise((resolve) => est.https.close(resolve));
  const { code, message, cause } = await failureOf(issueFrom(t, est));
  assert.equal(code, 'NL-EST-UNREACHABLE');
  assert.ok(message.startsWith(new URL(est.url).host));
  assert.match(cause ?? '', /ECONNREFUSED/);
});

test('a name with several addresses: the cause is not empty', async (t) => {
  const est = await serve(t, grant);
  await new Promise((resolve) => est.https.close(resolve));
  const { cause } = await failureOf(issueFrom(t, { url: est.url.replace('127.0.0.1', 'localhost') }));
  assert.match(cause ?? '', /ECONNREFUSED/);
});

test('a server under another CA: NL-EST-UNTRUSTED', async (t) => {
  const stranger = await Authority.create('Stranger', 0);
  const est = await serve(t, grant, await stranger.serverIdentity(['localhost'], '127.0.0.1'));
  const { code, cause } = await failureOf(issueFrom(t, est));
  assert.equal(code, 'NL-EST-UNTRUSTED');
  assert.match(cause ?? '', /unable to verify/);
  assert.deepEqual(est.seen, []);
});

test('NODE_TLS_REJECT_UNAUTHORIZED=0 does not switch the check off: no password reaches a stranger', async (t) => {
  withEnvironment({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, t);
  const stranger = await Authority.create('Stranger', 0);
  const est = await serve(t, grant, await stranger.serverIdentity(['localhost'], '127.0.0.1'));
  assert.equal((await failureOf(issueFrom(t, est, basic(t)))).code, 'NL-EST-UNTRUSTED');
  assert.deepEqual(est.seen, []);
});

test('a server of another name: NL-EST-UNTRUSTED', async (t) => {
  const est = await serve(t, grant, await authority.serverIdentity(['other.example.com']));
  const { code, cause } = await failureOf(issueFrom(t, est));
  assert.equal(code, 'NL-EST-UNTRUSTED');
  assert.match(cause ?? '', /does not match certificate's altnames/);
});

test('a server whose certificate has expired: NL-EST-UNTRUSTED', async (t) => {
  const expired = await authority.clientIdentity('localhost', { lifetimeMs: -60_000, eku: 'server' });
  assert.equal((await failureOf(issueFrom(t, await serve(t, grant, expired)))).code, 'NL-EST-UNTRUSTED');
});

test('no TLS behind the port: NL-EST-UNREACHABLE', async (t) => {
  const est = await listen(
    t,
    createServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n')),
  );
  assert.equal((await failureOf(issueFrom(t, est))).code, 'NL-EST-UNREACHABLE');
});

test('no HTTP behind the TLS: NL-EST-BODY', async (t) => {
  const est = await listen(
    t,
    createTlsServer(server, (socket) => socket.end('220 mail.example.com ESMTP\r\n')),
  );
  assert.equal((await failureOf(issueFrom(t, est))).code, 'NL-EST-BODY');
});

test('a server that switches to another protocol (HTTP 101): NL-EST-BODY, and not for ever', {
  timeout: 60_000,
}, async (t) => {
  const est = await listen(
    t,
    createTlsServer(server, (socket) => {
      socket.once('data', () =>
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n'),
      );
    }),
  );
  assert.equal((await failureOf(issueFrom(t, est))).code, 'NL-EST-BODY');
});

const drop: Script = (response) => response.socket?.destroy();
const dropWithin: Script = (response) => {
  response.writeHead(200, { 'Content-Type': PKCS7_TYPE, 'Content-Length': '5000' });
  response.write('MIIB', () => response.socket?.destroy());
};

for (const [when, script] of Object.entries({ 'before the answer': drop, 'within the answer': dropWithin })) {
  test(`the connection ends ${when}: NL-EST-UNREACHABLE`, async (t) => {
    assert.equal((await failureOf(issueFrom(t, await serve(t, script)))).code, 'NL-EST-UNREACHABLE');
  });
}

const silent: Script = () => {};
const stuck: Script = (response) => void response.writeHead(200, { 'Content-Type': PKCS7_TYPE }).write('MIIB');
const hangs: Record<string, (t: TestContext) => Promise<{ url: string }>> = {
  'in the handshake': (t) =>
    listen(
      t,
      createServer(() => {}),
    ),
  'before the answer': (t) => serve(t, silent),
  'within the answer': (t) => serve(t, stuck),
};

for (const [where, start] of Object.entries(hangs)) {
  test(`a server that hangs ${where} is left at the deadline, and at once on abort`, async (t) => {
    const est = await start(t);
    const { code, message } = await failureOf(issueFrom(t, est, { deadlineMs: 200 }));
    assert.equal(code, 'NL-EST-UNREACHABLE');
    assert.match(message, /did not finish within 0\.2 s/);

    const abort = new AbortController();
    const issuing = issueFrom(t, est, {}, abort.signal);
    const reason = new Error('shutting down');
    setImmediate(() => abort.abort(reason));
    await assert.rejects(issuing, reason);
  });
}

test('an abort closes the connection', async (t) => {
  const abort = new AbortController();
  const est = await serve(t, () => abort.abort(new Error('shutting down')));
  const closed = new Promise((resolve) =>
    est.https.once('secureConnection', (socket) => socket.once('close', resolve)),
  );
  await assert.rejects(issueFrom(t, est, {}, abort.signal), /shutting down/);
  await closed;
});

test('aborted beforehand: nothing is sent', async (t) => {
  const est = await serve(t, grant);
  await assert.rejects(issueFrom(t, est, {}, AbortSignal.abort(new Error('shutting down'))), /shutting down/);
  assert.deepEqual(est.seen, []);
});

test('a check of a server that gives no answer: NL-EST-UNREACHABLE, in time', async (t) => {
  const est = await serve(t, () => undefined);
  const { code, message } = await failureOf(
    exchangeInTime({ method: 'GET', url: est.url, tls: { ca: authority.rootPem } }, 200).then(String),
  );
  assert.equal(code, 'NL-EST-UNREACHABLE');
  assert.equal(message, `${new URL(est.url).host} did not finish within 0.2 s.`);
});
