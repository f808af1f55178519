import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import { APART, isUp, type Machine } from './machine.ts';
import { provisioned, type Site } from './site.ts';

/** What the targets wait for on a gateway whose network never comes: both do so for minutes, or for ever. */
const WAITS = ['network-online', 'time-sync'];
/** What the daemon sees as the time: an offset in seconds, or a date after an @. */
const CLOCK = '/etc/clock-of-newleaf';

/** A unit that holds a target up, as systemd-networkd-wait-online and systemd-time-wait-sync do. */
async function holdUp(machine: Machine, target: string): Promise<void> {
  const unit = `[Unit]\nBefore=${target}.target\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=sleep infinity\n`;
  const install = `[Install]\nWantedBy=${target}.target multi-user.target\n`;
  machine.write(`/etc/systemd/system/wait-for-${target}.service`, `${unit}TimeoutStartSec=infinity\n${install}`);
  await machine.must('systemctl', 'enable', `wait-for-${target}`);
  await machine.must('systemctl', 'add-wants', 'multi-user.target', `${target}.target`);
}

const network = (state: 'up' | 'down') => execFileSync('ip', ['link', 'set', 'lo', state]);

/** Provisioned, and enabled as the README has it. */
async function enabled(t: TestContext): Promise<Site> {
  const made = await provisioned(t);
  const { machine } = made;
  await machine.must('systemctl', 'enable', 'newleaf');
  return made;
}

if (inside(import.meta.filename, APART)) {
  test('a boot without network, and with everybody else waiting for it', async (t) => {
    const { far, machine } = await enabled(t);
    for (const target of WAITS) await holdUp(machine, target);
    network('down');
    const mark = far.log.entries.length;
    await machine.reboot();
    const up = await machine.until((unit) => isUp(unit) && unit.StatusText?.includes('NL-HUB-UNREACHABLE') === true);
    assert.match(up.StatusText ?? '', /^serving with the current leaf, offline; the leaf ends /);
    for (const target of WAITS) {
      assert.equal((await machine.show(`wait-for-${target}.service`)).ActiveState, 'activating');
      assert.equal((await machine.show(`${target}.target`)).ActiveState, 'inactive');
    }
    network('up');
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
    assert.equal((await machine.show()).NRestarts, '0');
  });

  test('a boot in 1970, and the right time after that', async (t) => {
    const { far, machine } = await enabled(t);
    const environment = `LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1 FAKETIME_TIMESTAMP_FILE=${CLOCK}`;
    const unfaked = 'DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1';
    const dropIn = `[Service]\nEnvironment=${environment} ${unfaked}\nWatchdogSec=4s\n`;
    machine.dropIn(dropIn);
    machine.write(CLOCK, '@1970-01-01 00:01:00\n');
    const mark = far.log.entries.length;
    await machine.reboot();
    await machine.journal.waitFor({ event: 'failed', action: 'connect', code: 'NL-HUB-UNTRUSTED' });
    assert.ok(isUp(await machine.show()));
    const wrong = await machine.run('newleaf', 'status', '--json');
    assert.equal(JSON.parse(wrong.out).clock.credible, false);
    machine.write(CLOCK, '+0\n');
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
    assert.equal((await machine.show()).NRestarts, '0');
    assert.equal(far.log.since(mark).filter(({ event }) => event === 'register' || event === 'issued').length, 0);
  });
}
