import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import { cut, PATIENCE_MS } from '../stage/site.ts';
import { ID, namedSite } from './named-site.ts';

/** A start that gives each way so long alone is this much later; the rest is for a machine that is busy. */
const LATER_MS = 5_000;
const BUSY_MS = 4_000;

/** Packets to this port get no answer at all, as behind most firewalls. */
function drop(port: number): void {
  const ruleset = `table ip wall; delete table ip wall; table ip wall { chain in { type filter hook input priority filter; tcp dport ${port} drop; }; }`;
  execFileSync('nft', [ruleset]);
}
const open = (): unknown => execFileSync('nft', ['table ip wall; delete table ip wall']);

if (insideNetworkNamespace(import.meta.filename)) {
  for (const address of ['10.20.0.4', '10.20.0.5']) {
    execFileSync('ip', ['address', 'add', `${address}/32`, 'dev', 'lo']);
  }

  test('packets to 8883 are dropped: every start is 5 s later, and no more; opened, 8883 serves the next start', async (t) => {
    const { far, gateway } = await namedSite(t);
    /** From the start of the daemon to CONNACK 0, in milliseconds. */
    const start = async (): Promise<number> => {
      const mark = far.log.entries.length;
      const began = performance.now();
      await gateway.start();
      await far.log.waitFor({ event: 'connected' }, 2 * PATIENCE_MS, mark);
      const took = performance.now() - began;
      await gateway.settled();
      return took;
    };
    const connections = () => far.log.count({ server: 'hub1', event: 'tls' });
    const webSockets = () => far.log.count({ event: 'websocket' });

    drop(8883);
    const first = await start();
    assert.deepEqual([far.log.registrations(ID), connections(), webSockets()], [1, 1, 2]);
    assert.equal(gateway.log.matching({ event: 'way-changed' }).length, 1);

    await far.lay('hub1', 'connack', { code: 5, times: 1 });
    const mark = far.log.entries.length;
    const refusedAt = performance.now();
    await cut(far);
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
    const back = performance.now() - refusedAt;
    await gateway.settled();
    assert.equal(far.log.registrations(ID), 2);
    assert.equal((await gateway.command('roll', '--wait')).code, 0);
    await gateway.settled();
    assert.deepEqual([far.log.registrations(ID), far.log.count({ event: 'issued' })], [3, 2]);

    await gateway.stop();
    const before = connections();
    const again = await start();
    assert.equal(connections(), before + 1);
    const { out } = await gateway.command('check', 'dps-reach', 'hub-reach');
    assert.match(out, /Port 8883 is blocked here .* newleaf uses 443 by itself\./);

    await gateway.stop();
    open();
    const through = webSockets();
    const opened = await start();
    assert.equal(webSockets(), through, 'over 8883');
    t.diagnostic(
      `to CONNACK: first start ${Math.round(first)} ms, after a refusal ${Math.round(back)} ms, a start ${Math.round(again)} ms, with 8883 open ${Math.round(opened)} ms`,
    );
    assert.ok(again - opened > LATER_MS - BUSY_MS && again - opened < LATER_MS + BUSY_MS, `${again} ms, ${opened} ms`);
  });
}
