import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { settingsOf, tomlOf, writeFiles } from '../e2e/stage/settings.ts';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import { startSimulator } from '../simulator/simulator.ts';
import { APART, Machine, type Unit } from '../system/machine.ts';
import { build, NATIVE, onDisk } from './installed.ts';

const PREFIX = '/data/newleaf';
const HSM = { module: '/usr/lib/softhsm/libsofthsm2.so', token: 'newleaf', pin: '4711' };
const SOFTHSM = `SOFTHSM2_CONF=${PREFIX}/etc/softhsm2.conf`;

const isUp = ({ ActiveState, SubState }: Unit) => ActiveState === 'active' && SubState === 'running';

if (inside(import.meta.filename, APART)) {
  test('install.sh on a system whose root is read-only, but for its first call', async (t) => {
    const far = await startSimulator();
    t.after(() => far.close());
    await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
    const data = onDisk('data');
    t.after(() => rmSync(data, { recursive: true }));
    chmodSync(data, 0o755);
    const into = ['--one-top-level=unpacked', '--strip-components=1', `--directory=${data}`];
    execFileSync('tar', ['-xzf', build('tar', NATIVE), ...into]);
    const machine = new Machine(t);
    const files = join(data, 'newleaf', 'etc');
    // By what the hub sees: the journal has another place in each boot, and nobody follows it there.
    const connected = (since: number) => far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
    const programOf = async () => /program\/[^/]+/.exec(await machine.must('cat', `${PREFIX}/bin/newleaf`))?.[0];

    await t.test('install, token, PIN, configuration, init', async () => {
      mkdirSync(join(machine.root, 'data'));
      await machine.boot(`--bind=${data}:/data`);
      await machine.must('/data/unpacked/install.sh', '--prefix', PREFIX);
      writeFiles(far.endpoints, { hsm: HSM, files });
      const settings = { registrationId: 'gw-0001', hsm: HSM, files: `${PREFIX}/etc`, home: PREFIX };
      const {
        'hsm.pin_file': _,
        'control.socket': __,
        'uplink.sockets': ___,
        ...rest
      } = settingsOf(far.endpoints, settings);
      writeFileSync(join(files, 'newleaf.toml'), tomlOf(rest));
      chmodSync(join(files, 'est-password'), 0o644);
      writeFileSync(join(files, 'softhsm2.conf'), `directories.tokendir = ${PREFIX}/state/tokens\n`);
      machine.dropIn(`[Service]\nEnvironment=${SOFTHSM}\n`);
      await machine.must('systemctl', 'daemon-reload');
      const asDaemon = ['runuser', '-u', 'newleaf', '--', 'env', SOFTHSM];
      await machine.must(...asDaemon, 'mkdir', '--mode=700', `${PREFIX}/state/tokens`);
      const token = ['--init-token', '--free', '--label', HSM.token, '--pin', HSM.pin, '--so-pin', '56785678'];
      await machine.must(...asDaemon, 'softhsm2-util', ...token);
      await machine.must('newleaf', 'init');
    });

    await t.test('with a read-only root it comes up, and rolls', async () => {
      await machine.crash();
      const mark = far.log.entries.length;
      await machine.boot(`--bind=${data}:/data`, '--volatile=state');
      await connected(mark);
      assert.ok(isUp(await machine.show()));
      assert.notEqual((await machine.run('touch', '/etc/written')).code, 0);
      await machine.must('newleaf', 'roll', '--wait');
    });

    await t.test('a program gets a key, but no socket before the root has been written once', async () => {
      const { code, err } = await machine.run('newleaf', 'uplink', 'add', 'sensors');
      assert.equal(code, 1);
      assert.match(err.replaceAll(/\s+/g, ' '), /^NL-UPLINK-SOCKET .* `mount -o remount,rw \/`, and again.* --key $/);
      await machine.must('newleaf', 'uplink', 'add', 'meter', '--key');
      assert.match(await machine.must('newleaf', 'uplink', 'list'), /^\S meter: by its key, no connections$/m);
      assert.equal(await machine.must('ls', '/run/newleaf-uplink'), 'ca.pem\n');
    });

    await t.test('an upgrade runs, and the program before it is kept', async () => {
      const before = await programOf();
      const mark = far.log.entries.length;
      await machine.must('/data/unpacked/install.sh');
      assert.notEqual(await programOf(), before);
      await connected(mark);
      assert.ok(isUp(await machine.show()));
    });

    await t.test('an upgrade that does not start is taken back', async () => {
      const before = await programOf();
      const mark = far.log.entries.length;
      writeFileSync(join(data, 'unpacked', 'newleaf.js'), 'process.exit(process.argv[2] === "run" ? 1 : 0);');
      const { code, err } = await machine.run('/data/unpacked/install.sh');
      assert.equal(code, 1);
      assert.match(err, /does not start.*The one before is back in its place/);
      assert.equal(await programOf(), before);
      await connected(mark);
      assert.ok(isUp(await machine.show()));
    });
  });
}
