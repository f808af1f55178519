import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { type LocalCa, openLocalCa } from '../../../../agent/uplink/wire/local-ca.ts';
import { byKey } from '../../../../agent/uplink/wire/sas.ts';
import { scratch } from '../../state/disk.ts';
import { CONNECT, RawClient } from './raw-client.ts';
import { noting } from './rules.ts';
import { type Stage, stage } from './stage.ts';

const KEY = Buffer.alloc(32, 7).toString('base64');
const LOGIN = { username: 'sensors', password: Buffer.from(KEY) };

interface TlsStage extends Stage {
  readonly ca: LocalCa;
  readonly port: number;
  readonly directory: string;
  now: number;
  dial(options?: ConnectionOptions): Promise<TLSSocket>;
}

async function tlsStage(t: TestContext): Promise<TlsStage> {
  const stand = stage(t);
  const directory = scratch(t);
  const one = { now: Date.now() };
  const ca = await openLocalCa({ directory, names: [], now: () => one.now, earliest: 0, log: noting().log });
  writeFileSync(join(directory, 'ca.pem'), ca.caPem);
  const authenticate = byKey(
    () => [{ name: 'sensors', key: KEY }],
    () => undefined,
  );
  const listener = await stand.server.listen({ host: '127.0.0.1', port: 0, credentials: ca.credentials }, authenticate);
  const port = listener.port ?? 0;
  return Object.assign(one, stand, {
    ca,
    port,
    directory,
    async dial(options: ConnectionOptions = {}) {
      const socket = connect({ host: '127.0.0.1', port, ca: ca.caPem, servername: 'localhost', ...options });
      t.after(() => socket.destroy());
      await once(socket, 'secureConnect');
      return socket;
    },
  });
}

/** Sends CONNECT with the key of the program, and has its CONNACK. */
async function login(socket: TLSSocket, clientId = 'dev'): Promise<RawClient> {
  const client = new RawClient(socket);
  client.send({ ...CONNECT, ...LOGIN, clientId });
  await client.next('connack');
  return client;
}

describe('TLS', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${version}: a client that trusts the CA only`, async (t) => {
      const { dial, notes } = await tlsStage(t);
      const socket = await dial({ minVersion: version, maxVersion: version });
      assert.equal(socket.getProtocol(), version);
      assert.equal(socket.authorized, true);
      const client = await login(socket);
      client.publish('t', 1, Buffer.alloc(200_000, 'x'));
      await client.next('puback');
      await notes.clients[0]?.publish({ topic: 'down', payload: Buffer.alloc(200_000, 'y') }, 0);
      const down = await client.next('publish');
      assert.equal(down.cmd === 'publish' && down.payload.length, 200_000);
    });
  }

  test('TLS 1.1 is refused, and so is a client that does not know the CA', async (t) => {
    const { dial, server } = await tlsStage(t);
    await assert.rejects(dial({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }));
    await assert.rejects(dial({ ca: [] }), { code: 'SELF_SIGNED_CERT_IN_CHAIN' });
    while (server.connections > 0) await new Promise(setImmediate);
  });

  for (const version of ['-tls1_2', '-tls1_3']) {
    test(`openssl s_client ${version}: verified, and answered`, async (t) => {
      const { port, directory } = await tlsStage(t);
      const to = ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', join(directory, 'ca.pem')];
      const strict = ['-verify_return_error', '-verify_hostname', 'localhost', '-x509_strict', version, '-brief'];
      const child = spawn('openssl', [...to, ...strict], { stdio: ['pipe', 'pipe', 'pipe'] });
      let said = '';
      child.stderr.on('data', (text) => {
        said += text;
      });
      // CONNECT with a user name and no password.
      child.stdin.write(Buffer.from('101300044d51545404820000000364657600026d65', 'hex'));
      const [connack] = await once(child.stdout, 'data');
      assert.deepEqual([...connack], [0x20, 2, 0, 4]);
      child.stdin.end();
      await once(child, 'close');
      assert.match(said, /Verification: OK/);
      assert.match(said, /Verified peername: localhost/);
    });
  }

  test('wrong keys are answered 4, and told once in the log without the key', async (t) => {
    const { dial, lines } = await tlsStage(t);
    for (let time = 0; time < 3; time += 1) {
      const client = new RawClient(await dial());
      client.send({ ...CONNECT, username: 'sensors', password: Buffer.from('geheim') });
      const connack = await client.next('connack');
      assert.equal(connack.cmd === 'connack' && connack.returnCode, 4);
      await client.closed;
    }
    assert.equal(lines.length, 1);
    assert.equal(lines[0]?.cause, 'sensors');
    assert.doesNotMatch(JSON.stringify(lines), /geheim/);
  });

  test('a renewed leaf is shown to the next client; the others stay', async (t) => {
    const one = await tlsStage(t);
    const first = await one.dial();
    const client = await login(first);
    one.now += 300 * 86_400_000;
    const second = await one.dial();
    assert.notEqual(second.getPeerX509Certificate()?.serialNumber, first.getPeerX509Certificate()?.serialNumber);
    client.send({ cmd: 'pingreq' });
    await client.next('pingresp');
  });
});

describe('a flood on the port', () => {
  test('a thousand connections that never shake hands, and some that send noise', async (t) => {
    const { dial, port, server } = await tlsStage(t);
    const old = await login(await dial());
    const sockets = [];
    for (let round = 1; round <= 20; round += 1) {
      for (let number = 0; number < 50; number += 1) {
        const socket = connectTcp(port, '127.0.0.1').on('error', () => {});
        sockets.push(socket);
        if (number % 5 === 0) socket.write('GET / HTTP/1.1\r\n\r\n');
      }
      old.publish('t', round);
      await old.next('puback');
      const young = await login(await dial(), `young-${round}`);
      young.socket.destroy();
      assert.ok(server.connections <= 128);
    }
    for (const socket of sockets) socket.destroy();
    while (server.connections > 1) await new Promise(setImmediate);
  });
});
