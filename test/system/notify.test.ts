import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inside } from '../namespace.ts';
import { APART, isUp, type Machine } from './machine.ts';
import { provisioned } from './site.ts';

/** Resolves when the watchdog has been fed twice more. */
async function fed(machine: Machine): Promise<void> {
  for (let meal = 0; meal < 2; meal++) {
    const { WatchdogTimestampMonotonic: before } = await machine.show();
    await machine.until(({ WatchdogTimestampMonotonic }) => WatchdogTimestampMonotonic !== before);
  }
}

if (inside(import.meta.filename, APART)) {
  test('newleaf tells systemd how it is, and starts no process for it', async (t) => {
    const { machine } = await provisioned(t);
    if ((await machine.version()) < 253) return t.skip('this systemd has no OpenFile=');
    await machine.must('rm', '/usr/bin/systemd-notify');
    machine.dropIn('[Service]\nWatchdogSec=4s\n');
    await machine.must('systemctl', 'daemon-reload');
    await machine.must('systemctl', 'enable', '--now', 'newleaf');
    await machine.until((unit) => isUp(unit) && unit.StatusText?.includes('online at') === true);
    await fed(machine);
    if ((await machine.version()) >= 254) {
      assert.equal((await machine.show()).NotifyAccess, 'main', 'and listens to no other process of the unit');
      await machine.must('systemd-analyze', 'security', '--threshold=11', 'newleaf.service');
    }
    // As an upgrade of systemd does.
    await machine.must('systemctl', 'daemon-reexec');
    await fed(machine);
    const { NRestarts, StatusText } = await machine.show();
    assert.equal(NRestarts, '0');
    if ((await machine.version()) >= 254) assert.equal((await machine.show()).NotifyAccess, 'main');
    assert.match(StatusText ?? '', /online at/);
    assert.deepEqual(machine.journal.matching({ event: 'notify-failed' }), []);
    await machine.must('systemctl', 'stop', 'newleaf');
    assert.equal((await machine.show()).Result, 'success');
  });
}
