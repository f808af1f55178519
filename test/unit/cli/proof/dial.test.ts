import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { createServer as createTls } from 'node:tls';
import { dial, Unreached } from '../../../../agent/cli/proof/dial.ts';
import { DAY, type Minted, mint, mintCa, privateKeyPem, type Wish } from '../../certificate/mint.ts';

// The server's certificate is judged by the real clock.
const now = Date.now();
const valid = { notBefore: now - 2 * DAY, notAfter: now + DAY };
const root = await mintCa(valid);
const other = await mintCa({ ...valid, subject: 'CN=Other' });

async function identity(wish: Wish = {}, by: Minted = root) {
  const { pem, keys } = await mint({ ...valid, subject: 'CN=localhost', ip: '127.0.0.1', by, ...wish });
  return { cert: pem, key: privateKeyPem(keys) };
}

const good = await identity();
const quick = 500;

/** The port on which the server listens, on loopback, until the test ends. */
async function listening(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const unreached = (stage: Unreached['stage'], words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Unreached, String(error));
  assert.equal(error.stage, stage);
  assert.match(error.message, words);
  return true;
};

const DISTRUSTED: readonly (readonly [name: string, shown: object, distrust: RegExp, issuer: string])[] = [
  ['another CA', await identity({}, other), /^UNABLE_TO_(GET_ISSUER_CERT_LOCALLY|VERIFY_LEAF_SIGNATURE)$/, 'Other'],
  ['another name', await identity({ subject: 'CN=elsewhere' }), /^ERR_TLS_CERT_ALTNAME_INVALID$/, 'Root'],
  ['expired', await identity({ notAfter: now - DAY }), /^CERT_HAS_EXPIRED$/, 'Root'],
  ['not valid yet', await identity({ notBefore: now + DAY / 2 }), /^CERT_NOT_YET_VALID$/, 'Root'],
];

describe('a server that is there', () => {
  for (const host of ['localhost', '127.0.0.1']) {
    test(`is trusted by its CA: ${host}`, async (t) => {
      const port = await listening(t, createTls(good));
      assert.deepEqual(await dial(`${host}:${port}`, root.pem), { address: '127.0.0.1', port, issuer: 'Root' });
    });
  }

  for (const [name, shown, distrust, issuer] of DISTRUSTED) {
    test(`is not trusted: ${name}`, async (t) => {
      const port = await listening(t, createTls(shown));
      const dialled = await dial(`localhost:${port}`, root.pem);
      assert.match(dialled.distrust ?? 'trusted', distrust);
      assert.equal(dialled.issuer, issuer);
    });
  }

  test('may ask for a certificate: we show none', async (t) => {
    const port = await listening(t, createTls({ ...good, requestCert: true, rejectUnauthorized: true, ca: root.pem }));
    assert.equal((await dial(`localhost:${port}`, root.pem)).distrust, undefined);
  });
});

describe('a server that is not there', () => {
  test('nobody knows the name', async () => {
    await assert.rejects(
      dial('newleaf.invalid', root.pem, quick),
      unreached('dns', /^The name newleaf\.invalid cannot/),
    );
  });

  test('nobody listens', async (t) => {
    const server = createTcp();
    const port = await listening(t, server);
    server.close();
    await once(server, 'close');
    const words = new RegExp(`^127\\.0\\.0\\.1 port ${port} cannot be reached: the connection is refused`);
    await assert.rejects(dial(`127.0.0.1:${port}`, root.pem, quick), unreached('tcp', words));
  });

  const talks: readonly (readonly [what: string, talk: (socket: Socket) => void, words: RegExp])[] = [
    ['listens, and says nothing', () => {}, /there is no answer in time/],
    ['listens, and hangs up', (socket) => socket.destroy(), /answers, but TLS fails/],
    ['speaks another language', (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), /answers, but TLS fails/],
  ];
  for (const [what, talk, words] of talks) {
    test(what, async (t) => {
      const port = await listening(t, createTcp(talk));
      await assert.rejects(dial(`127.0.0.1:${port}`, root.pem, quick), unreached('tls', words));
    });
  }
});
