import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import { APART, isUp, type Machine } from './machine.ts';
import { debOf, later, provisioned } from './site.ts';

const units = (machine: Machine) => machine.must('systemctl', 'list-units', '--plain', '--quiet', 'newleaf*');

if (inside(import.meta.filename, APART)) {
  test('an upgrade keeps the gateway, removing keeps what it is, purging leaves only the keys', async (t) => {
    const { far, machine, technician } = await provisioned(t);
    await machine.must('systemctl', 'enable', '--now', 'newleaf');
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, far.log.entries.length - 1);
    const at = (path: string) => existsSync(join(machine.root, path));
    const kept = async () =>
      machine.must('sha256sum', '/var/lib/newleaf/leaf.pem', '/etc/newleaf/newleaf.toml', '/etc/newleaf/pin');
    const before = { unit: await machine.show(), files: await kept() };

    await t.test('upgrade', async () => {
      const mark = far.log.entries.length;
      await technician.install(later(t, debOf()));
      const after = await machine.until(isUp);
      assert.notEqual(after.MainPID, before.unit.MainPID, 'it is the new one that runs');
      assert.equal(after.UnitFileState, 'enabled');
      assert.equal(await kept(), before.files);
      await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
      const events = new Set(far.log.since(mark).map(({ event }) => event));
      assert.ok(!events.has('register') && !events.has('issued'));
    });

    await t.test('remove', async () => {
      const said = await machine.must('dpkg', '--remove', 'newleaf');
      assert.doesNotMatch(said, /warning|error/i);
      assert.equal(await units(machine), '');
      assert.equal((await machine.run('pgrep', '-u', 'newleaf')).out, '');
      assert.equal(await kept(), before.files);
      assert.ok(at('/var/lib/newleaf/state.json'));
      assert.ok(!at('/usr/lib/newleaf') && !at('/usr/lib/systemd/system/newleaf.service'));
    });

    await t.test('put back, it goes on where it was', async () => {
      const mark = far.log.entries.length;
      await technician.install(debOf());
      await machine.until(isUp);
      await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
      assert.equal(await kept(), before.files);
    });

    await t.test('purge', async () => {
      // debconf takes stdout for itself.
      const { out, err } = await machine.run('env', 'DEBIAN_FRONTEND=noninteractive', 'dpkg', '--purge', 'newleaf');
      assert.match(`${out}${err}`, /newleaf-a and newleaf-b stay in the token/);
      assert.equal(await units(machine), '');
      assert.equal(await machine.must('systemctl', '--failed', '--plain', '--quiet'), '');
      const left = await machine.must('ls', '/etc/newleaf');
      assert.equal(left, 'pin\nso-pin\n', 'newleaf init drew them, so nobody else has them');
      for (const path of ['/run/newleaf', '/usr/share/newleaf', '/var/lib/newleaf']) assert.ok(!at(path), path);
    });
  });
}
