import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { FaultName, FaultOptions } from '../simulator/faults.ts';
import type { Simulator } from '../simulator/simulator.ts';
import type { Gateway } from './stage/gateway.ts';
import { cut, PATIENCE_MS, serving } from './stage/site.ts';

const ID = 'gw-0001';
/** Connects that must have failed before the fault is lifted: an outage that was not noticed proves nothing. */
const REFUSED = 3;

interface Outage {
  readonly fault: FaultName;
  readonly options?: FaultOptions;
  /** What the daemon must call it. */
  readonly code: RegExp;
}

const outages: readonly Outage[] = [
  { fault: 'port-closed', code: /^NL-HUB-UNREACHABLE$/ },
  // The reset may come before the client knows that it is connected.
  { fault: 'reset', code: /^NL-HUB-(CLOSED|UNREACHABLE)$/ },
  { fault: 'untrusted-server', code: /^NL-HUB-UNTRUSTED$/ },
  { fault: 'wrong-host', code: /^NL-HUB-UNTRUSTED$/ },
  { fault: 'close-before-connack', code: /^NL-HUB-CLOSED$/ },
  { fault: 'tls-refuses-client', code: /^NL-HUB-CLOSED$/ },
  { fault: 'tls-alert', options: { code: 48 }, code: /^NL-HUB-CLOSED$/ },
  { fault: 'tls-alert', options: { code: 45 }, code: /^NL-HUB-CLOSED$/ },
  { fault: 'tls-alert-early', options: { code: 42 }, code: /^NL-HUB-CLOSED$/ },
  { fault: 'connack', options: { code: 1 }, code: /^NL-HUB-UNAVAILABLE$/ },
  { fault: 'connack', options: { code: 3 }, code: /^NL-HUB-UNAVAILABLE$/ },
  // The end may come while the subscription is under way, or the twin is read.
  ...[0, 1, 2, 3].map((ms) => ({ fault: 'accept-then-close', options: { ms }, code: /^NL-HUB-LOST$/ }) as const),
];

const titleOf = (fault: FaultName, { code, ms }: FaultOptions = {}) =>
  [fault, code, ms && `${ms} ms`].filter(Boolean).join(' ');

/** Resolves when the fault has acted so often; a closed port is seen by the daemon only. */
async function acted(far: Simulator, gateway: Gateway, fault: FaultName, times: number): Promise<void> {
  let seen = 0;
  const enough = () => {
    seen += 1;
    return seen >= times;
  };
  await (fault === 'port-closed'
    ? gateway.log.waitFor((line) => line.event === 'failed' && line.action === 'connect' && enough(), {
        timeoutMs: PATIENCE_MS,
      })
    : far.log.waitFor((entry) => entry.event === 'fault' && entry.reason === fault && enough(), PATIENCE_MS));
}

suite('the hub refuses', { concurrency: true }, () => {
  for (const { fault, options, code } of outages) {
    test(`outage: ${titleOf(fault, options)}, no registration`, async (t) => {
      const { far, gateway, thumbprint } = await serving(t);
      const since = far.log.entries.length;
      // A quick machine reads the twin within 2 ms: sessions that are proven and lost again are flapping, another story.
      if (fault === 'accept-then-close') await far.lay('hub1', 'no-twin');
      await far.lay('hub1', fault, options);
      if (fault !== 'port-closed') await cut(far);
      await acted(far, gateway, fault, REFUSED);
      await far.lift('hub1', fault);
      if (fault === 'accept-then-close') await far.lift('hub1', 'no-twin');
      const back = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
      await gateway.settled();

      assert.equal(back.thumbprint, thumbprint);
      assert.equal(far.log.registrations(ID), 1, 'the first provisioning is the only registration');
      assert.equal(far.log.count({ event: 'issued' }), 1);
      assert.deepEqual(gateway.token.privateKeys(), ['newleaf-a']);
      const told = gateway.log.matching({ event: 'failed', action: 'connect' });
      for (const line of told) assert.match(String(line.code), code, JSON.stringify(line));
      t.diagnostic(`${told.length} connects refused, ${Math.round(back.at - (far.log.since(since)[0]?.at ?? 0))} ms`);
    });
  }

  for (const code of [2, 4, 5]) {
    test(`identity: connack ${code}, one registration`, async (t) => {
      const { far, gateway, thumbprint } = await serving(t);
      const since = far.log.entries.length;
      // The hub lags DPS: it goes on refusing for a moment after the registration.
      await far.lay('hub1', 'connack', { code, times: REFUSED });
      await cut(far);
      const back = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
      await gateway.settled();

      assert.equal(far.log.count({ event: 'connack', server: 'hub1', code }), REFUSED);
      assert.equal(far.log.registrations(ID), 2, 'one beside the first provisioning');
      assert.equal(back.thumbprint, thumbprint);
      assert.equal(far.log.count({ event: 'issued' }), 1);
    });
  }
});
