import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Vitals } from '../../../agent/daemon/vitals.ts';
import { Fault } from '../../../agent/failure/failure.ts';
import type { Notify } from '../../../agent/machine/notify.ts';
import type { Ports } from '../../../agent/roll/ports.ts';
import type { Entry } from '../../../agent/state/entry.ts';
import type { Journal } from '../../../agent/state/journal.ts';
import { quietLog } from '../../quiet.ts';
import { Disk, type Far, gateway, MINUTE, never } from './gateway.ts';

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

/** A gateway without a leaf, which makes its first key; its token is broken, unless the test has another. */
async function daemon(
  t: TestContext,
  watchdogMs: number,
  far: Far = {},
  write: Journal<Entry>['write'] = async () => {},
) {
  const notify = new Systemd(watchdogMs);
  const keys = { generate: () => Promise.reject(new Fault('NL-TOKEN-FAILED')), ...far.keys };
  const journal = { read: async () => 'absent' as const, write, isThere: () => true };
  const { clock, stop } = await gateway(t, new Disk(), { ...far, keys }, { notify, journal });
  await setImmediate();
  return { clock, systemd: notify, stop };
}

test('the watchdog is fed at half of its limit, and systemd hears what the gateway does', async (t) => {
  const { clock, systemd, stop } = await daemon(t, 4_000);
  assert.equal(systemd.heard[0], 'ready');
  assert.match(systemd.heard.at(-1) ?? '', /^making the next key in the token, offline; NL-TOKEN-FAILED /);
  systemd.meals();
  await clock.pass(20_000);
  assert.equal(systemd.meals(), 10);
  await stop();
  assert.deepEqual(systemd.heard, ['stopping']);
});

test('an idle loop turns once a minute, however long the watchdog would wait', async (t) => {
  const { clock, systemd } = await daemon(t, 10 * MINUTE);
  systemd.meals();
  await clock.pass(10 * MINUTE);
  assert.deepEqual([...new Set(systemd.heard)], ['watchdog'], 'what has not changed is not told again');
  assert.equal(systemd.meals(), 10);
});

test('a loop that waits for ever starves the watchdog, though timers go on', async (t) => {
  const { clock, systemd } = await daemon(t, 4_000, {}, never);
  assert.deepEqual(systemd.heard, ['ready']);
  await clock.pass(MINUTE);
  assert.equal(systemd.meals(), 0);
});

test('work that hangs starves it, too: a module on a thread of the pool', async (t) => {
  const { clock, systemd } = await daemon(t, 4_000, { keys: { generate: never } });
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
  const generate: Ports['keys']['generate'] = async (slot, id) => ({ slot, id });
  const { clock, systemd } = await daemon(t, 3 * MINUTE, { keys: { generate }, issue });
  await clock.asleep();
  assert.ok(systemd.heard.includes('expect 30000'));
  systemd.meals();
  await clock.pass(MINUTE);
  assert.equal(systemd.meals(), 4);
  refuse(new Fault('NL-EST-UNREACHABLE'));
  await clock.pass(15_000);
  assert.equal(systemd.heard.filter((one) => one.startsWith('expect')).at(-1), 'expect 180000');
});

test('a call of the module has half a minute also outside of effects, but not while the token may be busy with a key', async () => {
  const systemd = new Systemd(3 * MINUTE);
  let turns = 0;
  const vitals = new Vitals(systemd, quietLog, [], () => {
    turns += 1;
  });
  const call = () => vitals.during('calls', async () => vitals.everyMs);
  for (let count = 0; count < 3; count += 1) assert.equal(await call(), 15_000);
  assert.deepEqual(systemd.heard.splice(0), ['expect 30000'], 'one message for all that follow each other');
  assert.equal(await vitals.during('keys', call), 90_000);
  await call();
  vitals.beat();
  assert.deepEqual(systemd.heard, ['expect 180000', 'expect 30000', 'expect 180000', 'watchdog']);
  assert.equal(turns, 4, 'the loop hears that it must turn more often');
});
