import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { cut, PATIENCE_MS, serving } from '../stage/site.ts';

const ID = 'gw-0001';
const LIMIT_MS = 8_000;

suite('the session ends again and again', { concurrency: true }, () => {
  test('a box on the way ends idle connections: the third session stays, the box is named, and nothing is red', async (t) => {
    const { far, gateway } = await serving(t);
    await far.lay('hub1', 'idle-end', { ms: LIMIT_MS });
    let since = far.log.entries.length;
    await cut(far);
    for (let session = 1; session <= 2; session += 1) {
      const { seq } = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
      const end = await far.log.waitFor({ event: 'disconnected' }, PATIENCE_MS, seq);
      assert.equal(end.reason, 'idle');
      since = end.seq;
    }
    const { seq } = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
    const told = await gateway.log.waitFor({ event: 'lost', code: 'NL-NETWORK-IDLE' });
    assert.match(String(told.message), /idle for 8 s, so from now on newleaf pings every 6 s\.$/);
    await assert.rejects(far.log.waitFor({ event: 'disconnected' }, 1.5 * LIMIT_MS, seq), 'the session ended');

    const { out, code } = await gateway.command('status');
    assert.match(out, /^ {2}Keepalive {4}6 s: connections that are idle for 8 s are ended on the way/m);
    assert.equal(code, 0, out);
    const check = await gateway.command('check', 'trouble');
    assert.match(check.out, /ok +trouble .*none\. Its keepalive is 6 s: .*\(NL-NETWORK-IDLE\)/s);
    assert.equal(check.code, 0, check.out);
    assert.equal(far.log.registrations(ID), 1);
    assert.deepEqual(gateway.log.matching({ code: 'NL-HUB-FLAPPING' }), []);
  });
});
