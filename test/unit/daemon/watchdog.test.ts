import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Daemon } from '../../../agent/daemon/daemon.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import type { Notify } from '../../../agent/machine/notify.ts';
import type { Issuer, Keys, Ports } from '../../../agent/roll/ports.ts';
import type { Entry } from '../../../agent/state/entry.ts';
import type { Journal } from '../../../agent/state/journal.ts';
import { quietLog } from '../../quiet.ts';
import { TestClock } from '../clock.ts';
import { terms } from '../roll/machine.ts';

const MINUTE = 60_000;
const never = <T>() => new Promise<T>(() => {});

class Systemd implements Notify {
  readonly heard: string[] = [];
  readonly watchdogMs: number | undefined;

  constructor(watchdogMs?: number) {
    this.watchdogMs = watchdogMs;
  }

  async ready() {
    this.heard.push('ready');
  }
  async stopping() {
    this.heard.push('stopping');
  }
  async status(text: string) {
    this.heard.push(text);
  }
  async watchdog() {
    this.heard.push('watchdog');
  }
  async expect(ms: number) {
    this.heard.push(`expect ${ms}`);
  }

  /** How often the watchdog has been fed since somebody asked last. */
  meals(): number {
    return this.heard.splice(0).filter((one) => one === 'watchdog').length;
  }
}

interface Given {
  readonly watchdogMs?: number;
  readonly generate?: Keys['generate'];
  readonly write?: Journal<Entry>['write'];
  readonly issue?: Issuer['issue'];
}

/** A gateway without a leaf, which makes its first key. */
async function daemon(t: TestContext, given: Given) {
  const {
    watchdogMs,
    generate = broken,
    write = async () => {},
    issue = () => assert.fail('nobody asks for this'),
  } = given;
  const clock = new TestClock();
  const systemd = new Systemd(watchdogMs);
  const absent = () => assert.fail('nobody asks for this');
  const ports: Ports = {
    keys: { generate, csr: async () => 'csr', destroy: absent },
    issuer: { issue },
    judge: absent,
    opensAnew: absent,
    dps: { register: absent },
    hub: {
      connect: absent,
      silentMs: () => undefined,
      report: absent,
      async close() {},
      signals: { [Symbol.asyncIterator]: () => ({ next: never }) },
    },
  };
  const running = new Daemon({
    ports,
    journal: { read: async () => 'absent', write },
    clock,
    draw: () => 0.5,
    log: quietLog,
    notify: systemd,
    terms,
    version: '0',
    registrationId: 'gw-0001',
    labelPrefix: 'newleaf',
    given: async () => undefined,
    publish: async () => {},
  });
  const abort = new AbortController();
  const ended = running.run(abort.signal);
  t.after(() => abort.abort());
  await clock.asleep();
  await setImmediate();
  const stop = () => {
    abort.abort();
    return ended;
  };
  return { clock, systemd, stop };
}

const broken = async () => {
  throw new Fault('NL-TOKEN-FAILED');
};

test('the watchdog is fed at half of its limit, and systemd hears what the gateway does', async (t) => {
  const { clock, systemd, stop } = await daemon(t, { watchdogMs: 4_000 });
  assert.equal(systemd.heard[0], 'ready');
  assert.match(systemd.heard.at(-1) ?? '', /^making the next key in the token, offline; NL-TOKEN-FAILED /);
  systemd.meals();
  await clock.pass(20_000);
  assert.equal(systemd.meals(), 10);
  await stop();
  assert.deepEqual(systemd.heard, ['stopping']);
});

test('an idle loop turns once a minute, however long the watchdog would wait', async (t) => {
  const { clock, systemd } = await daemon(t, { watchdogMs: 10 * MINUTE });
  systemd.meals();
  await clock.pass(10 * MINUTE);
  assert.deepEqual([...new Set(systemd.heard)], ['watchdog'], 'what has not changed is not told again');
  assert.equal(systemd.meals(), 10);
});

test('a loop that waits for ever starves the watchdog, though timers go on', async (t) => {
  const { clock, systemd } = await daemon(t, { watchdogMs: 4_000, write: never });
  assert.deepEqual(systemd.heard, ['ready']);
  await clock.pass(MINUTE);
  assert.equal(systemd.meals(), 0);
});

test('work that hangs starves it, too: a module on a thread of the pool', async (t) => {
  const { clock, systemd } = await daemon(t, { watchdogMs: 4_000, generate: never });
  await clock.pass(14 * MINUTE);
  assert.ok(systemd.meals() > 0, 'a slow token is given its time');
  await clock.pass(2 * MINUTE);
  systemd.meals();
  await clock.pass(10 * MINUTE);
  assert.equal(systemd.meals(), 0);
});

test('while the token may be asked to sign in a handshake, the loop has to turn four times a minute', async (t) => {
  let refuse = (_: Error) => {};
  const issue = () =>
    new Promise<never>((_, reject) => {
      refuse = reject;
    });
  const generate = async () => ({ slot: 'a', id: 'g0' }) as const;
  const { clock, systemd } = await daemon(t, { watchdogMs: 3 * MINUTE, generate, issue });
  await clock.asleep();
  assert.ok(systemd.heard.includes('expect 30000'));
  systemd.meals();
  await clock.pass(MINUTE);
  assert.equal(systemd.meals(), 4);
  refuse(new Fault('NL-EST-UNREACHABLE'));
  await clock.asleep(2);
  assert.equal(systemd.heard.filter((one) => one.startsWith('expect')).at(-1), 'expect 180000');
});
