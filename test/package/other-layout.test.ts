import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import { startSimulator } from '../simulator/simulator.ts';
import { APART, isUp, Machine } from '../system/machine.ts';
import { Technician } from '../system/technician.ts';
import { build, NATIVE, onDisk } from './installed.ts';

const TRIPLET = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' }[NATIVE];

/** Where Fedora and openSUSE have what newleaf looks for, and where Debian has it. */
const MOVED = {
  [`/usr/lib/${TRIPLET}/engines-3/pkcs11.so`]: '/usr/lib64/engines-3/pkcs11.so',
  '/usr/lib/softhsm/libsofthsm2.so': '/usr/lib64/pkcs11/libsofthsm2.so',
  '/etc/ssl/certs/ca-certificates.crt': '/etc/pki/tls/certs/ca-bundle.crt',
};

/** Their programs are other ones. */
const GONE = ['apt', 'apt-get', 'dpkg', 'deb-systemd-helper', 'deb-systemd-invoke'];

if (inside(import.meta.filename, APART)) {
  test('the tarball on a system that is no Debian: paths of Fedora and openSUSE, no dpkg', async (t) => {
    const far = await startSimulator();
    t.after(() => far.close());
    const { endpoints } = far;
    await far.enrollGroup({ groupId: 'gateways', primary: endpoints.issuerPem });
    const disk = onDisk('other');
    t.after(() => rmSync(disk, { recursive: true }));
    execFileSync('tar', ['-xzf', build('tar', NATIVE), '--strip-components=1', `--directory=${disk}`]);

    const machine = new Machine(t);
    for (const [from, to] of Object.entries(MOVED)) {
      mkdirSync(dirname(join(machine.root, to)), { recursive: true });
      renameSync(join(machine.root, from), join(machine.root, to));
    }
    for (const name of GONE) rmSync(join(machine.root, 'usr', 'bin', name), { force: true });
    // So it is in Fedora.
    execFileSync('groupadd', ['--root', machine.root, '--system', 'ods']);
    execFileSync('chroot', [machine.root, 'chown', '--recursive', 'root:ods', '/var/lib/softhsm']);
    machine.write('/etc/os-release', 'ID=fedora\nNAME="Fedora Linux"\n');
    mkdirSync(join(machine.root, 'opt', 'unpacked'), { recursive: true });
    await machine.boot(`--bind=${disk}:/opt/unpacked`);

    assert.match(await machine.must('/opt/unpacked/install.sh'), /Next: newleaf init$/m);
    assert.match(
      await machine.must('cat', '/etc/newleaf/newleaf.toml'),
      /ca_file = "\/etc\/pki\/tls\/certs\/ca-bundle.crt"/,
    );
    // Written from outside of the machine, where its absolute links lead elsewhere.
    await machine.must('ln', '--symbolic', '--force', '--no-dereference', '../opt/newleaf/etc', '/etc/newleaf');
    const technician = new Technician(machine, endpoints);
    const denied = await technician.init();
    assert.equal(denied.code, 1);
    assert.match(denied.err.replaceAll(/\s+/g, ' '), /libsofthsm2\.so: .* lacks a right.*usermod -aG ods newleaf/);
    await machine.must('usermod', '--append', '--groups', 'ods', 'newleaf');
    const { code, out, err } = await technician.init();
    assert.equal(code, 0, `${out}${err}`);
    const mark = far.log.entries.length;
    await machine.must('systemctl', 'start', 'newleaf');
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
    await machine.must('newleaf', 'roll', '--wait');
    const checked = await machine.run('newleaf', 'check');
    assert.equal(checked.code, 0, checked.out);
    assert.ok(isUp(await machine.show()));
  });
}
