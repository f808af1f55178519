import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { inside } from '../namespace.ts';
import { assertAlarmed, assertEnded } from './ended.ts';
import { APART, isUp, type Machine } from './machine.ts';
import { debOf, site } from './site.ts';

const CONFIGURATION = '/etc/newleaf/newleaf.toml';
const UNITS = ['newleaf', 'newleaf@plant'];

/** Nothing of newleaf has failed, also once the fallback has looked. */
async function assertQuiet(machine: Machine): Promise<void> {
  for (const fallback of ['newleaf-fallback', 'newleaf-fallback@plant'])
    await machine.run('systemctl', 'start', fallback);
  assert.equal(await machine.must('systemctl', '--failed', '--plain', '--quiet', 'list-units', 'newleaf*'), '');
  const loud = machine.journal.lines.filter(
    ({ unit, priority }) => String(unit).startsWith('newleaf') && Number(priority) < 4,
  );
  assert.deepEqual(loud, []);
}

if (inside(import.meta.filename, APART)) {
  test('a gateway that is not set up yet raises no alarm; one that is, or was, does', async (t) => {
    const { machine, technician } = await site(t);
    copyFileSync(debOf(), join(machine.root, 'opt/newleaf.deb'));
    const apt = ['apt-get', 'install', '--yes', '--no-install-recommends', '/opt/newleaf.deb'];
    const { code, out, err } = await machine.run(
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'sh',
      '-c',
      `${apt.join(' ')} 2>&1`,
    );
    assert.equal(code, 0, `${out}${err}`);
    assert.match(out, /Next: sudo newleaf init\s*$/, 'the last thing on the screen');

    await t.test('installed, enabled, and rebooted as an image is: its units wait, and say for what', async () => {
      await machine.must('systemctl', 'enable', ...UNITS);
      await machine.reboot();
      await machine.run('systemctl', 'is-system-running', '--wait');
      for (const unit of UNITS) {
        const { ActiveState, Result, NRestarts } = await machine.show(unit);
        assert.deepEqual([ActiveState, Result, NRestarts], ['inactive', 'exec-condition', '0'], unit);
        const instance = unit === 'newleaf' ? '' : ' --instance plant';
        const { out } = await machine.run('systemctl', 'status', '--full', unit);
        assert.ok(out.includes(`Not set up yet: sudo newleaf${instance} init`), out);
      }
      await assertQuiet(machine);
    });

    await t.test('a configuration that is begun, by hand or by a program, is tried: what is wrong fails', async () => {
      machine.write(CONFIGURATION, '[dps]\nregistration_id = "gw-0001"\n');
      await machine.run('systemctl', 'start', 'newleaf');
      await assertEnded(machine, '2', /dps\.id_scope is missing/);
      machine.write(CONFIGURATION, '[dps]\n');
      await machine.must('systemctl', 'reset-failed', 'newleaf');
    });

    await t.test('once it is set up it comes up with the machine', async () => {
      const { code, out, err } = await technician.init();
      assert.equal(code, 0, `${out}${err}`);
      await machine.reboot();
      await machine.until(isUp);
    });

    await t.test('a gateway that has a leaf, and has lost its configuration, alarms', async () => {
      await machine.must('rm', '-r', '/etc/newleaf');
      await machine.reboot();
      await assertEnded(machine, '2', /this gateway has a leaf .* its configuration is lost/);
      await assertAlarmed(machine, /A person is needed/, () => machine.run('systemctl', 'start', 'newleaf-fallback'));
    });
  });
}
