import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import { APART, isUp, type Unit } from './machine.ts';
import { provisioned } from './site.ts';

const [DEFAULT, PLANT] = ['newleaf.service', 'newleaf@plant.service'];
const SOFTHSM = '/usr/lib/softhsm/libsofthsm2.so';
const isOnline = (unit: Unit) => isUp(unit) && unit.StatusText?.includes('online') === true;

if (inside(import.meta.filename, APART)) {
  test('two identities on one gateway, in one token', async (t) => {
    const { far, machine } = await provisioned(t);
    const plant = (...argv: readonly string[]) => machine.run('newleaf', '--instance', 'plant', ...argv);
    const leafOf = async (...argv: readonly string[]) => JSON.parse(await machine.must('newleaf', ...argv)).leaf;
    const stat = async (path: string) => (await machine.must('stat', '--format=%a %U:%G', path)).trim();

    await t.test('init sets up the other one, and names it in what comes next', async () => {
      const { dps, idScope, est, estUsername } = far.endpoints;
      const at = '/etc/newleaf';
      const where = ['--endpoint', dps, '--trust-ca', `${at}/trust.pem`, '--id-scope', idScope];
      const issuer = ['--issuer', 'est', '--est-url', est, '--est-ca', `${at}/est-ca.pem`];
      const entry = ['--est-user', estUsername, '--est-password-file', `${at}/est-password`];
      const token = ['--module', SOFTHSM, '--token', 'newleaf', '--pin-file', `${at}/pin`];
      const init = (id: string) =>
        plant('init', '--yes', ...where, '--registration-id', id, ...token, ...issuer, ...entry);
      const same = await init('gw-0001');
      assert.equal(same.code, 2);
      assert.match(same.err, /^NL-CONFIG dps\.registration_id is that of\s+\/etc\/newleaf\/newleaf\.toml, too/);
      const { code, out, err } = await init('gw-plant');
      assert.equal(code, 0, `${out}${err}`);
      assert.match(out, /systemctl enable --now newleaf@plant\n +newleaf --instance plant status/);
      assert.equal(await stat('/etc/newleaf/plant/pin'), '600 root:root');
      const config = await machine.must('newleaf', '--instance', 'plant', 'config');
      assert.match(config, /^label_prefix = "plant" /m);
      assert.match(config, /^directory = "\/var\/lib\/newleaf@plant" /m);
    });

    await t.test('a reboot brings up both', async () => {
      await machine.must('systemctl', 'enable', '--now', DEFAULT, PLANT);
      await machine.until(isOnline, PLANT);
      await machine.reboot();
      for (const unit of [DEFAULT, PLANT]) await machine.until(isOnline, unit);
      assert.equal((await leafOf('status', '--json')).cn, 'gw-0001');
      assert.equal((await leafOf('status', '--json', '--instance', 'plant')).cn, 'gw-plant');
      for (const timer of ['newleaf-fallback.timer', 'newleaf-fallback@plant.timer'])
        assert.equal((await machine.show(timer)).ActiveState, 'active', timer);
    });

    await t.test('what is where, and whose it is', async () => {
      assert.equal(await stat('/var/lib/newleaf@plant'), '750 newleaf:newleaf');
      assert.equal(await stat('/var/lib/newleaf@plant/inbox'), '2770 newleaf:newleaf');
      assert.equal(await stat('/run/newleaf@plant/control.sock'), '660 newleaf:newleaf');
      assert.equal(await stat('/run/newleaf-uplink@plant'), '755 newleaf:newleaf');
      const added = await plant('uplink', 'add', 'sensors', '--group', 'newleaf');
      assert.equal(added.code, 0, `${added.out}${added.err}`);
      assert.ok(existsSync(join(machine.root, '/etc/tmpfiles.d/newleaf-uplink@plant-sensors.conf')));
      assert.match(await machine.must('ls', '/run/newleaf-uplink@plant/sensors'), /mqtt\.sock/);
      assert.equal(await machine.must('ls', '/run/newleaf-uplink'), '');
    });

    await t.test('one rolls, and the other keeps its leaf and its session', async () => {
      const [before, pid] = [await leafOf('status', '--json'), (await machine.show()).MainPID];
      const { code, out, err } = await plant('roll', '--wait');
      assert.equal(code, 0, `${out}${err}`);
      assert.deepEqual(await leafOf('status', '--json'), before);
      assert.equal((await machine.show()).MainPID, pid);
    });

    await t.test('check, status and support-bundle are about that one', async () => {
      const check = await plant('check', 'unit', 'socket', 'pin');
      assert.equal(check.code, 0, `${check.out}${check.err}`);
      assert.match(check.out, /newleaf@plant\.service is enabled and active/);
      assert.match(await machine.must('newleaf', 'status'), /newleaf --instance plant status/);
      const bundle = await plant('support-bundle', '-o', '/root/bundle.tar.gz');
      assert.equal(bundle.code, 0, `${bundle.out}${bundle.err}`);
      const text = await machine.must(
        'tar',
        '--extract',
        '--to-stdout',
        '--file=/root/bundle.tar.gz',
        '--wildcards',
        '*.txt',
      );
      assert.match(text, /== newleaf@plant\.service\n[\s\S]*?StateDirectory=newleaf newleaf@plant/);
      assert.match(text, /gw-plant/);
      const pin = await machine.must('cat', '/etc/newleaf/plant/pin');
      assert.ok(!text.includes(pin.trim()));
    });

    await t.test('one that is stopped is told by its name', async () => {
      await machine.must('systemctl', 'stop', PLANT);
      const { code, out, err } = await plant('status');
      assert.equal(code, 5, err);
      assert.match(`${out}${err}`, /systemctl start newleaf@plant/);
      assert.ok(isUp(await machine.show()));
      await machine.must('systemctl', 'start', PLANT);
      await machine.until(isOnline, PLANT);
    });

    await t.test('an upgrade restarts both, and purging ends both and names the keys of both', async () => {
      const mark = far.log.entries.length;
      const pid = (await machine.show(PLANT)).MainPID;
      await machine.must('env', 'DEBIAN_FRONTEND=noninteractive', 'dpkg', '--install', '/root/newleaf.deb');
      await machine.until((unit) => isOnline(unit) && unit.MainPID !== pid, PLANT);
      await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
      const { code, out, err } = await machine.run(
        'env',
        'DEBIAN_FRONTEND=noninteractive',
        'dpkg',
        '--purge',
        'newleaf',
      );
      assert.equal(code, 0, `${out}${err}`);
      assert.match(`${out}${err}`, /newleaf-a and newleaf-b stay in the token newleaf/);
      assert.match(`${out}${err}`, /plant-a and plant-b stay in the token newleaf/);
      assert.equal(await machine.must('systemctl', 'list-units', '--plain', '--quiet', 'newleaf*'), '');
      assert.equal((await machine.run('pgrep', '-u', 'newleaf')).out, '');
      const kept = (await machine.must('find', '/etc/newleaf', '-type', 'f')).trim().split('\n').sort();
      assert.deepEqual(kept, ['/etc/newleaf/pin', '/etc/newleaf/plant/pin', '/etc/newleaf/so-pin']);
      for (const path of ['/run/newleaf@plant', '/var/lib/newleaf@plant', '/run/newleaf-uplink@plant'])
        assert.ok(!existsSync(join(machine.root, path)), path);
    });
  });
}
