import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { Shown } from '../e2e/uplink/shown.ts';
import { inside } from '../namespace.ts';
import type { Simulator } from '../simulator/simulator.ts';
import { commandsIn } from '../unit/arrows/commands.ts';
import { APART, isUp, type Machine } from './machine.ts';
import { provisioned } from './site.ts';

const ID = 'gw-0001';
const SOCKETS = '/run/newleaf-uplink';
const SOCKET = `${SOCKETS}/sensors/mqtt.sock`;
const RECORD = '/etc/tmpfiles.d/newleaf-uplink-sensors.conf';

/** As many messages are at the hub. */
async function arrived(far: Simulator, count: number): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const { arrived } = await far.telemetry('hub1', ID);
    if (arrived === count) return;
    assert.ok(arrived < count && Date.now() < deadline, `${arrived} messages at the hub, and not ${count}`);
    await pause(20);
  }
}

/** Runs a line that was pasted into the shell of a user. */
const as = (machine: Machine, user: string, line: string) => machine.run('runuser', '-u', user, '--', 'sh', '-c', line);

/** Adds a program. @returns what is printed to be pasted */
async function added(machine: Machine, ...args: readonly string[]): Promise<Shown> {
  return new Shown(await machine.must('newleaf', 'uplink', 'add', ...args));
}

if (inside(import.meta.filename, APART)) {
  test('programs of the gateway, under the real unit', async (t) => {
    const { far, machine } = await provisioned(t);
    const at = (path: string) => existsSync(join(machine.root, path));
    const stat = async (path: string) => (await machine.must('stat', '--format=%a %U:%G', path)).trim();
    await machine.must('systemctl', 'enable', '--now', 'newleaf');
    for (const user of ['petra', 'olga']) await machine.must('useradd', user);
    const groupless = await machine.run('newleaf', 'uplink', 'add', 'sensors', '--group', 'sensors');
    assert.equal(groupless.code, 2, groupless.err);
    const commands = commandsIn(groupless.err.replaceAll(/\s+/g, ' '));
    assert.deepEqual(commands, ['groupadd --system sensors', 'usermod -aG sensors USER']);
    for (const command of commands) await machine.must(...command.replace('USER', 'petra').split(' '));
    let sent = 0;
    /** A user sends, and the message arrives. */
    const sends = async (user: string, line: string) => {
      const { code, out, err } = await as(machine, user, line);
      assert.equal(code, 0, `${out}${err}`);
      sent += 1;
      await arrived(far, sent);
    };
    const areThere = async () => {
      assert.equal(await stat(SOCKETS), '755 newleaf:newleaf');
      assert.equal(await stat(`${SOCKETS}/sensors`), '2750 newleaf:sensors');
      assert.equal(await stat(SOCKET), '660 newleaf:sensors');
    };

    const shown = await added(machine, 'sensors', '--group', 'sensors');
    const publish = shown.line('mosquitto-clients', 'mosquitto_pub');
    await t.test('a socket for a group, which the sandboxed daemon has made', async () => {
      await areThere();
      await sends('petra', publish);
      await sends('root', publish);
      const { code, err } = await as(machine, 'olga', publish);
      assert.notEqual(code, 0);
      assert.match(err, /Permission denied/);
    });

    await t.test('who may send may not use the commands, nor see what waits', async () => {
      assert.match((await as(machine, 'petra', 'newleaf uplink show sensors')).err, /^NL-CONTROL-DENIED/);
      assert.notEqual((await as(machine, 'petra', 'ls /var/lib/newleaf/uplink')).code, 0);
      assert.notEqual((await as(machine, 'petra', `rm ${SOCKET}`)).code, 0);
    });

    const keyed = await added(machine, 'meter', '--key');
    await t.test('a key, for any user who has it', async () => {
      assert.equal(await stat(`${SOCKETS}/ca.pem`), '644 newleaf:newleaf');
      await sends('olga', keyed.line('mosquitto-clients'));
      const wrong = keyed.line('mosquitto-clients').replace(/-P '.*?'/, "-P 'wrong'");
      assert.match((await as(machine, 'olga', wrong)).err, /bad user name or password/i);
    });

    // It tries the first address of localhost only, which is ::1 here, as on any Debian.
    await t.test('the broker mosquitto, with the lines for its bridge', async () => {
      const lines = (await added(machine, 'bridge', '--key')).lines('A bridge of mosquitto');
      machine.write('/etc/mosquitto/conf.d/newleaf.conf', `${lines.join('\n')}\n`);
      await machine.must('systemctl', 'start', 'mosquitto');
      await sends('olga', 'mosquitto_pub -t newleaf/messages/events/ -q 1 -m bridged');
      const subscribe = "mosquitto_sub -i olga -c -q 1 -t 'newleaf/messages/devicebound/#'";
      assert.equal((await as(machine, 'olga', `${subscribe} -E`)).code, 0);
      await far.sendToDevice(ID, 'to the bridge');
      assert.equal((await as(machine, 'olga', `${subscribe} -C 1 -W 20`)).out, 'to the bridge\n');
      await machine.must('systemctl', 'stop', 'mosquitto');
      await machine.must('newleaf', 'uplink', 'remove', 'bridge', '--yes');
    });

    await t.test('check, status and list say so', async () => {
      const { code, out } = await machine.run('newleaf', 'check', 'uplink');
      assert.equal(code, 0, out);
      assert.match(out, /^ok +uplink +2 programs send: meter, sensors\.$/m);
      assert.match(await machine.must('newleaf', 'uplink', 'list'), /^● sensors: by its socket, no connections$/m);
      assert.match(await machine.must('newleaf', 'status'), /^ +Programs +sensors: no message waits for the hub$/m);
    });

    await t.test('after a restart, and after a reboot, all is there again', async () => {
      await machine.must('systemctl', 'restart', 'newleaf');
      await areThere();
      await sends('petra', publish);
      await machine.reboot();
      await machine.until(isUp);
      await areThere();
      await sends('petra', publish);
      await sends('olga', keyed.line('mosquitto-clients'));
      assert.equal(await machine.must('systemctl', '--failed', '--plain', '--quiet'), '');
    });

    await t.test('stopped, it stays so, though the program keeps trying', async () => {
      const trying = ['--unit=trying', '--uid=petra', 'sh', '-c', `until ${publish}; do echo again; sleep 0.1; done`];
      await machine.must('systemctl', 'stop', 'newleaf');
      const since = machine.journal.lines.length;
      await machine.must('systemd-run', '--quiet', ...trying);
      const isTried = () =>
        machine.journal.lines.slice(since).filter(({ message }) => message === 'again').length >= 10;
      await machine.journal.waitFor(isTried, { since });
      await machine.must('systemctl', 'start', 'newleaf-fallback');
      assert.equal((await machine.show()).ActiveState, 'inactive');
      await machine.must('systemctl', 'start', 'newleaf');
      sent += 1;
      await arrived(far, sent);
    });

    await t.test('a program that is removed leaves nothing', async () => {
      await machine.must('newleaf', 'uplink', 'remove', 'sensors', '--yes');
      for (const path of [RECORD, `${SOCKETS}/sensors`, '/var/lib/newleaf/uplink/sensors']) assert.ok(!at(path), path);
      assert.match((await as(machine, 'petra', publish)).err, /No such file or directory/);
      await sends('olga', keyed.line('mosquitto-clients'));
    });

    await t.test('removing the package keeps programs and what waits; purging leaves nothing of them', async () => {
      await added(machine, 'sensors', '--group', 'sensors');
      await machine.must('dpkg', '--remove', 'newleaf');
      for (const path of [RECORD, '/var/lib/newleaf/uplink/sensors']) assert.ok(at(path), path);
      await machine.must('env', 'DEBIAN_FRONTEND=noninteractive', 'dpkg', '--purge', 'newleaf');
      for (const path of [RECORD, SOCKETS, '/var/lib/newleaf']) assert.ok(!at(path), path);
    });
  });
}
