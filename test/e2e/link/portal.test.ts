import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { Authority } from '../../simulator/ca.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import { Gateway } from '../stage/gateway.ts';
import { PATIENCE_MS, site } from '../stage/site.ts';

const ID = 'gw-0001';
const PAGE = 'HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

test('a captive portal that answers with its page is named as one, and costs neither leaf nor registration', async (t) => {
  const far = await startSimulator();
  const portal = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end(PAGE)));
  portal.listen(0, '127.0.0.1');
  await once(portal, 'listening');
  const { port } = portal.address() as AddressInfo;
  const settings = {
    'dps.endpoint': `"localhost:${port}"`,
    'issuer.est.url': `"https://localhost:${port}/.well-known/est"`,
  };
  const gateway = new Gateway(far.endpoints, { settings });
  t.after(async () => {
    await gateway.remove();
    await far.close();
    portal.close();
  });
  await gateway.start();
  await gateway.log.waitFor(({ code }) => code !== undefined);
  const { out } = await gateway.command('check');
  assert.match(out, /failed +dps-reach .*does not speak TLS: a captive portal or a proxy/);
  assert.equal(far.log.count({ event: 'issued' }), 0);
  assert.equal(far.log.registrations(ID), 0);
  assert.ok(gateway.token.privateKeys().length <= 1);
});

const portOf = (host: string): number => Number(new URL(`tcp://${host}`).port);

/** Answers on these ports with TLS, a certificate for its own name, and its page. @returns what ends it */
async function portal(t: TestContext, ports: readonly number[]): Promise<() => Promise<void>> {
  const identity = await (await Authority.create('captive portal', 0)).serverIdentity(['login.example']);
  const sockets: Socket[] = [];
  const servers = ports.map((port) => {
    const server = createTlsServer(identity, (socket) => socket.on('error', () => {}).end(PAGE));
    server.on('connection', (socket) => sockets.push(socket.on('error', () => {}))).on('tlsClientError', () => {});
    return server.listen(port, '127.0.0.1');
  });
  const close = async (server: Server) => {
    if (!server.listening) return;
    server.close();
    for (const socket of sockets) socket.destroy();
    await once(server, 'close');
  };
  const end = async () => void (await Promise.all(servers.map(close)));
  t.after(end);
  await Promise.all(servers.map((server) => once(server, 'listening')));
  return end;
}

const PORTAL = /failed +(\S+) +(NL-\S+) localhost:\d+ shows a certificate issued by "captive portal root"/g;

test('a captive portal with TLS of its own, in place of every server: before the first leaf, and while it serves', async (t) => {
  const { far, gateway } = await site(t);
  const { dps, hub1, est } = far.endpoints;
  const servers = ['dps', 'est', 'hub1'] as const;
  const ports = [dps, new URL(est).host, hub1].map(portOf);
  const closeAll = () => Promise.all(servers.map((server) => far.lay(server, 'port-closed')));
  const openAll = () => Promise.all(servers.map((server) => far.lift(server, 'port-closed')));
  const red = async () => {
    const { out } = await gateway.command('check');
    return [...out.matchAll(PORTAL)].map(([, id, code]) => `${id} ${code}`);
  };

  await closeAll();
  const endFirst = await portal(t, ports);
  await gateway.start();
  await gateway.log.waitFor({ code: 'NL-EST-UNTRUSTED' }, { timeoutMs: PATIENCE_MS });
  assert.deepEqual(await red(), ['dps-reach NL-DPS-UNTRUSTED', 'issuer-reach NL-EST-UNTRUSTED']);
  assert.equal(gateway.token.privateKeys().length, 1, 'the key stays, and no second one is made');
  await endFirst();
  await openAll();
  const first = await far.log.waitFor({ event: 'connected' }, 4 * PATIENCE_MS);
  await gateway.settled();
  assert.deepEqual([far.log.registrations(ID), far.log.count({ event: 'issued' })], [1, 1]);

  const since = gateway.log.lines.length;
  await closeAll();
  const endSecond = await portal(t, ports);
  await gateway.log.waitFor({ code: 'NL-HUB-UNTRUSTED' }, { since, timeoutMs: PATIENCE_MS });
  assert.deepEqual(await red(), [
    'dps-reach NL-DPS-UNTRUSTED',
    'hub-reach NL-HUB-UNTRUSTED',
    'issuer-reach NL-EST-UNTRUSTED',
  ]);
  await endSecond();
  await openAll();
  const back = await far.log.waitFor({ event: 'connected' }, 4 * PATIENCE_MS, first.seq);
  assert.equal(back.thumbprint, first.thumbprint);
  assert.deepEqual([far.log.registrations(ID), far.log.count({ event: 'issued' })], [1, 1]);
});
