import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Daemon } from '../../../agent/daemon/daemon.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import type { Ports } from '../../../agent/roll/ports.ts';
import { unprovisioned } from '../../../agent/roll/state.ts';
import { type Entry, entryOf } from '../../../agent/state/entry.ts';
import { TestClock } from '../clock.ts';
import { hub, leafOf, NOW, terms } from '../roll/machine.ts';

const HOUR = 3_600_000;
const never = <T>() => new Promise<T>(() => {});
const quiet = { error() {}, warn() {}, info() {}, debug() {} };

/** Nobody answers: neither hub nor DPS. */
function silence(): { readonly ports: Ports; readonly attempts: { count: number } } {
  const attempts = { count: 0 };
  const absent = () => assert.fail('nobody asks for this');
  const ports: Ports = {
    keys: { generate: absent, csr: absent, destroy: absent },
    issuer: { issue: absent },
    judge: absent,
    dps: { register: () => Promise.reject(new Fault('NL-DPS-UNREACHABLE')) },
    hub: {
      connect() {
        attempts.count += 1;
        return Promise.reject(new Fault('NL-HUB-UNREACHABLE'));
      },
      report: absent,
      async close() {},
      signals: { [Symbol.asyncIterator]: () => ({ next: never }) },
    },
  };
  return { ports, attempts };
}

test('a day without a network is written down once or twice, however often it is tried', async (t) => {
  const { ports, attempts } = silence();
  const clock = new TestClock(NOW);
  const written: Entry[] = [];
  const current = { ...leafOf('g0', 'a'), notAfter: NOW + 9_999 * HOUR };
  const serving = entryOf({
    ...unprovisioned,
    phase: 'serving',
    current,
    assignment: hub,
    registered: terms.registered,
  });
  const daemon = new Daemon({
    ports,
    journal: { read: async () => serving, write: async (entry) => void written.push(entry) },
    clock,
    draw: () => 0.5,
    log: quiet,
    notify: {
      async ready() {},
      async stopping() {},
      async status() {},
      async watchdog() {},
      async expect() {},
      watchdogMs: undefined,
    },
    terms,
    version: '0',
    registrationId: 'gw-1',
    labelPrefix: 'newleaf',
    keepKey: false,
    given: async () => undefined,
    publish: async () => {},
  });
  const abort = new AbortController();
  const ended = daemon.run(abort.signal);
  t.after(() => abort.abort());
  await clock.asleep(2);
  await clock.pass(24 * HOUR);
  abort.abort();
  await ended;
  assert.ok(attempts.count > 1_000, `${attempts.count} attempts`);
  const phases = written.map(({ phase, request }) => `${phase} ${request?.reason}`);
  assert.deepEqual(phases, ['registering unreached'], 'DPS is asked once whether we belong elsewhere');
});
