import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { environment, Machine } from './machine.ts';

const PATHS = '/var/lib/newleaf /run/newleaf /var/lib/softhsm/tokens';

// The lock on a state directory holds in a network namespace, and here it is always /var/lib/newleaf.
if (insideNetworkNamespace(import.meta.filename)) {
  suite('what root does with newleaf, the daemon can go on with', () => {
    let far: Simulator;
    let machine: Machine;

    before(async () => {
      far = await startSimulator();
      await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
      machine = await Machine.start();
      configure(machine, far);
    });
    after(async () => {
      await machine.stop();
      await far.close();
    });

    test('init as root provisions as the user newleaf, with the PIN that only root can read', async () => {
      const { code, out, err } = await machine.newleaf(['init']);
      assert.equal(code, 0, `${out}${err}`);
      const owners = machine.sh(`find ${PATHS} -printf '%u %p\\n'`);
      assert.match(owners, /newleaf \/var\/lib\/newleaf\/state\.json/);
      assert.match(owners, /newleaf \/var\/lib\/softhsm\/tokens\/.+\.object/);
      assert.doesNotMatch(owners.replace(/^root \/var\/lib\/softhsm\/tokens$/m, ''), /^root /m);
      assert.equal(machine.sh('stat -c "%U %a" /var/lib/newleaf'), 'newleaf 750\n');
      assert.equal(machine.sh('stat -c "%U %a" /etc/newleaf/pin'), 'root 600\n');
    });

    test('and the unit of the daemon goes on from there', async () => {
      const seen = far.log.entries.length;
      machine.sh('install -d -o newleaf /run/cred && install -o newleaf -m 400 /etc/newleaf/pin /run/cred/hsm-pin');
      const [file = '', ...args] = machine.argv(['newleaf', 'run'], 'newleaf');
      const daemon = spawn(file, args, {
        env: { ...environment(), CREDENTIALS_DIRECTORY: '/run/cred' },
        stdio: 'ignore',
      });
      await far.log.waitFor({ event: 'connected' }, 20_000, seen);
      assert.equal(far.log.registrations('gw-0001'), 1, 'the assignment is known');
      const ended = once(daemon, 'exit');
      daemon.kill('SIGTERM');
      assert.deepEqual(await ended, [0, null]);
    });

    test('a state that root has left behind is given to the daemon, as systemd would', async () => {
      machine.sh('chown -R root:root /var/lib/newleaf');
      assert.equal((await machine.newleaf(['init'])).code, 0);
      assert.equal(machine.sh('find /var/lib/newleaf -user root'), '');
    });

    test('what only root could use is found out: a PIN file that the daemon may not read', async () => {
      machine.sh('cp /etc/newleaf/newleaf.toml /etc/newleaf/usual.toml');
      machine.sh('sed -i "/^\\[hsm\\]/a pin_file = \\"/etc/newleaf/pin\\"" /etc/newleaf/newleaf.toml');
      const { code, err } = await machine.newleaf(['init']);
      machine.sh('mv /etc/newleaf/usual.toml /etc/newleaf/newleaf.toml');
      assert.equal(code, 4);
      assert.match(err, /NL-TOKEN-PIN-FILE [\s\S]*EACCES/);
    });

    test('an experiment of root stays that of root', async () => {
      machine.sh(`sed 's,^\\[dps\\],[state]\\ndirectory = "/root/state"\\n[control]\\nsocket = "/root/control.sock"\\n&,' \\
        /etc/newleaf/newleaf.toml >/root/own.toml`);
      // Nothing hands root the PIN here, so it goes no further than that.
      assert.match((await machine.newleaf(['init', '--config', '/root/own.toml'])).err, /neither a PIN/);
      assert.equal(machine.sh('stat -c %U /root/state'), 'root\n');
    });

    test('a support bundle of root has it all but the PIN, and belongs to whoever called sudo', async () => {
      machine.sh('SUDO_UID=65534 SUDO_GID=65534 newleaf support-bundle -o /tmp/bundle.tar.gz && mkdir /tmp/bundle');
      assert.equal(machine.sh('stat -c "%u %a" /tmp/bundle.tar.gz'), '65534 600\n');
      machine.sh('tar -xzf /tmp/bundle.tar.gz -C /tmp/bundle --strip-components=1');
      assert.match(machine.sh('cat /tmp/bundle/state.json'), /"at": \{\s+"current": \{\s+"hub": /);
      assert.match(machine.sh('cat /tmp/bundle/check.json'), /"id": "pin",\s+"describes": [^}]*"outcome": "ok"/);
      assert.match(machine.sh('cat /tmp/bundle/status.txt'), /Last known/);
      assert.equal(machine.sh('grep -rw 1234 /tmp/bundle || true'), '');
    });

    test('decommission as root leaves nothing, and works as the daemon', async () => {
      const { code, out, err } = await machine.newleaf(['decommission', '--yes']);
      assert.equal(code, 0, `${out}${err}`);
      assert.equal(machine.sh('ls -A /var/lib/newleaf'), 'state.json\n');
      assert.equal(machine.sh('find /var/lib/softhsm/tokens -user root -mindepth 1'), '');
      assert.equal(machine.sh('pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin 1234 -O'), '');
    });
  });
}

/** As the package and its operator leave a gateway: no setting about the PIN, which the unit hands over. */
function configure(machine: Machine, { endpoints: at }: Simulator): void {
  const token = 'softhsm2-util --init-token --free --label newleaf --pin 1234 --so-pin 56785678';
  machine.sh(`setpriv --reuid newleaf --regid newleaf --init-groups -- ${token}`);
  machine.write('/etc/newleaf/pin', '1234\n', 0o600);
  machine.write('/etc/newleaf/trust.pem', at.trustPem);
  machine.write('/etc/newleaf/est-ca.pem', at.estCaPem);
  machine.write('/etc/newleaf/est-password', at.estPassword, 0o640);
  machine.sh('chgrp newleaf /etc/newleaf/est-password');
  machine.write(
    '/etc/newleaf/newleaf.toml',
    `[dps]
endpoint = "${at.dps}"
id_scope = "${at.idScope}"
registration_id = "gw-0001"
[hsm]
module = "/usr/lib/softhsm/libsofthsm2.so"
token = "newleaf"
[leaf]
issuer = "est"
[issuer.est]
url = "${at.est}"
ca_file = "/etc/newleaf/est-ca.pem"
username = "${at.estUsername}"
password_file = "/etc/newleaf/est-password"
[trust]
ca_file = "/etc/newleaf/trust.pem"
`,
  );
}
