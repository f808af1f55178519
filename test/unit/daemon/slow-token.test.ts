import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { onWire } from '../../../agent/ask/wire.ts';
import { Daemon } from '../../../agent/daemon/daemon.ts';
import { unprovisioned } from '../../../agent/roll/state.ts';
import { entryOf } from '../../../agent/state/entry.ts';
import { TestClock } from '../clock.ts';
import { hub, leafOf, NOW, terms } from '../roll/machine.ts';

const MINUTE = 60_000;
const never = <T>() => new Promise<T>(() => {});
const quiet = { error() {}, warn() {}, info() {}, debug() {} };

async function turns(count = 50): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await setImmediate();
}

test('a handshake that waits for a token which makes a key is given the time that the key takes', async () => {
  const absent = () => assert.fail('nobody asks for this');
  const current = { ...leafOf('g0', 'a'), notAfter: NOW + 9_999 * 60 * MINUTE };
  const serving = {
    ...unprovisioned,
    phase: 'serving',
    current,
    assignment: hub,
    registered: terms.registered,
  } as const;
  const expected: number[] = [];
  let made = (_: { slot: 'b'; id: string }) => {};
  const daemon = new Daemon({
    ports: {
      keys: {
        generate: () =>
          new Promise((resolve) => {
            made = resolve;
          }),
        csr: async () => 'csr',
        destroy: absent,
      },
      issuer: { issue: absent },
      judge: absent,
      dps: { register: absent },
      hub: {
        connect: never,
        report: async () => {},
        async close() {},
        signals: { [Symbol.asyncIterator]: () => ({ next: never }) },
      },
    },
    journal: { read: async () => entryOf(serving), write: async () => {} },
    clock: new TestClock(NOW),
    draw: () => 0.5,
    log: quiet,
    notify: {
      async ready() {},
      async stopping() {},
      async status() {},
      async watchdog() {},
      async expect(ms) {
        expected.push(ms);
      },
      watchdogMs: 3 * MINUTE,
    },
    terms: { ...terms, automatic: false },
    version: '0',
    registrationId: 'gw-1',
    labelPrefix: 'newleaf',
    keepKey: false,
    given: async () => undefined,
    publish: async () => {},
  });
  const abort = new AbortController();
  const ended = daemon.run(abort.signal);
  await turns();
  assert.deepEqual(expected, [30_000], 'a session is opened');
  const asked = onWire(daemon.answer)({ kind: 'csr', from: 'technician' });
  await turns();
  assert.deepEqual(expected, [30_000, 3 * MINUTE], 'and a key is made beside it');
  made({ slot: 'b', id: 'g1' });
  assert.equal((await asked).status, 200);
  await turns();
  assert.deepEqual(expected, [30_000, 3 * MINUTE, 30_000]);
  abort.abort();
  await ended;
});
