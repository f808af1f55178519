import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { suite, type TestContext, test } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { insideNetworkNamespace } from '../../namespace.ts';
import { Authority } from '../../simulator/ca.ts';
import { cut, PATIENCE_MS } from '../stage/site.ts';
import { DPS, HUB, ID, namedSite } from './named-site.ts';

const BOX = 9_443;

/** The rules of the firewall, in place of those before. */
const wall = (chain = '') =>
  execFileSync('nft', [`table ip wall; delete table ip wall; ${chain && `table ip wall { ${chain} }`}`]);
const refuse = (port: number) =>
  wall(`chain in { type filter hook input priority filter; tcp dport ${port} reject with tcp reset; };`);
/** A box of the operator of the network stands in the way to this port. */
const intercept = (port: number) =>
  wall(`chain out { type nat hook output priority -100; tcp dport ${port} dnat to 127.0.0.1:${BOX}; };`);

async function stage(t: TestContext) {
  wall();
  t.after(() => wall());
  return namedSite(t);
}

async function box(t: TestContext, server: Server): Promise<void> {
  server.listen(BOX, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
}

/** Opens TLS, with a certificate of its own. */
async function inspector(): Promise<Server> {
  const identity = await (await Authority.create('inspector', 0)).serverIdentity([DPS, HUB]);
  return createTlsServer(identity, (socket) => socket.on('error', () => {}).destroy()).on('tlsClientError', () => {});
}

const BLOCKS = [
  [
    'answers HTTP 502',
    async ({ far }) => {
      wall();
      for (const server of ['dps', 'hub1'] as const) await far.lay(server, 'websocket-status', { status: 502 });
    },
  ],
  [
    'is opened by a TLS inspector',
    async (_, t) => {
      await box(t, await inspector());
      intercept(443);
    },
  ],
] as const satisfies readonly [string, (at: Awaited<ReturnType<typeof stage>>, t: TestContext) => Promise<void>][];

if (insideNetworkNamespace(import.meta.filename)) {
  for (const address of ['10.20.0.4', '10.20.0.5']) {
    execFileSync('ip', ['address', 'add', `${address}/32`, 'dev', 'lo']);
  }

  suite('8883 was closed, and is open again', () => {
    for (const [what, block] of BLOCKS) {
      test(`then 443 ${what}: newleaf goes back to 8883, with the leaf and the registration that it has`, async (t) => {
        const at = await stage(t);
        const { far, gateway } = at;
        refuse(8883);
        await gateway.start();
        const first = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
        await gateway.settled();
        await block(at, t);
        await cut(far);
        const back = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, first.seq);
        await gateway.settled();
        assert.equal(back.thumbprint, first.thumbprint);
        assert.deepEqual([far.log.registrations(ID), far.log.count({ event: 'issued' })], [1, 1]);
        assert.equal(gateway.log.matching({ event: 'way-changed' }).length, 2);
      });
    }
  });

  test('a firewall cuts 8883 off at the ClientHello: newleaf is on 443 at once, and check says so', async (t) => {
    const { far, gateway } = await stage(t);
    await box(
      t,
      createServer((socket) => socket.on('error', () => {}).once('data', () => socket.resetAndDestroy())),
    );
    intercept(8883);
    await gateway.start();
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
    await gateway.settled();
    assert.equal(far.log.registrations(ID), 1);
    assert.equal(gateway.log.matching({ event: 'failed' }).length, 0);
    const { out } = await gateway.command('check', 'dps-reach', 'hub-reach');
    assert.match(out, /Port 8883 is blocked here .* newleaf uses 443 by itself\./);
  });
}
