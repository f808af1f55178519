import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import { APART } from './machine.ts';
import { provisioned } from './site.ts';

const DROP_INS = '/etc/systemd/system/newleaf.service.d';
const SOCKET = '/run/newleaf-uplink/sensors/mqtt.sock';

if (inside(import.meta.filename, APART)) {
  test('a gateway that is looked at from afar, and given up', async (t) => {
    const { far, machine, technician } = await provisioned(t);
    const pin = technician.pin.trim();
    const mark = far.log.entries.length;
    await machine.must('systemctl', 'enable', '--now', 'newleaf');
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);

    await t.test('the bundle has the log, the unit, and no PIN', async () => {
      await machine.must('newleaf', 'support-bundle', '-o', '/root/bundle.tar.gz');
      await machine.must(
        'sh',
        '-c',
        'mkdir /root/bundle && tar -xzf /root/bundle.tar.gz -C /root/bundle --strip-components=1',
      );
      const has = async (file: string, words: string) =>
        machine.must('grep', '-q', '-e', words, `/root/bundle/${file}`);
      await has('log.txt', '"event":"started"');
      await has('unit.txt', 'ActiveState=active');
      await has('unit.txt', 'ActiveState=.*active');
      await has('versions.txt', 'libsofthsm2');
      await has('time.txt', 'NTPSynchronized=');
      await has('check.json', '"outcome": "ok"');
      assert.equal((await machine.run('grep', '-rwl', pin, '/root/bundle')).out, '');
      assert.equal((await machine.run('grep', '-rl', far.endpoints.estPassword, '/root/bundle')).out, '');
    });

    await t.test('while the daemon runs, decommission tells how to stop it', async () => {
      const { code, err } = await machine.run('newleaf', 'decommission', '--yes');
      assert.equal(code, 1);
      assert.match(err, /^NL-DAEMON-RUNS[\s\S]*systemctl disable --now newleaf/);
      await machine.must('systemctl', 'disable', '--now', 'newleaf');
    });

    await t.test('with a sealed PIN all of it works, too', async () => {
      await machine.must('mkdir', '-p', '/etc/credstore.encrypted');
      const sealed = '/etc/credstore.encrypted/hsm-pin';
      await machine.must('systemd-creds', 'encrypt', '--with-key=host', '--name=hsm-pin', '/etc/newleaf/pin', sealed);
      await machine.must('rm', '/etc/newleaf/pin');
      if ((await machine.version()) < 254) {
        machine.write(`${DROP_INS}/sealed.conf`, `[Service]\nLoadCredentialEncrypted=hsm-pin:${sealed}\n`);
        await machine.must('systemctl', 'daemon-reload');
      }
      assert.match(await machine.must('newleaf', 'check', 'pin'), /^ok +pin /m);
      await machine.must('newleaf', 'init', '--yes', '--renew-at', '50%');
      assert.equal((await machine.run('ls', '/etc/newleaf/pin')).code, 2, 'it stays sealed');
    });

    await t.test('what a program has sent, and the hub has not got yet, goes there first', async () => {
      await machine.must('systemctl', 'start', 'newleaf');
      await machine.must('newleaf', 'uplink', 'add', 'sensors');
      await far.lay('hub1', 'port-closed');
      await machine.until(({ StatusText }) => StatusText?.includes('offline') === true);
      const publish = ['mosquitto_pub', '--unix', SOCKET, '-t', 'devices/sensors/messages/events/', '-q', '1'];
      await machine.must(...publish, '-m', 'the last one');
      await machine.must('systemctl', 'stop', 'newleaf');
      await far.lift('hub1', 'port-closed');
      const said = await machine.must('newleaf', 'decommission', '--yes');
      assert.match(said, /All of it is at the hub\./);
      assert.match(said, /\/etc\/tmpfiles\.d\/newleaf-uplink-sensors\.conf/, 'it is left to do');
      const { messages } = await far.telemetry('hub1', 'gw-0001');
      assert.deepEqual(
        messages.map(({ body }) => body),
        ['the last one'],
      );
      // It is the home of the daemon's user, too: OpenSC, which `init` has asked for its tokens, keeps a cache there.
      const left = ['/var/lib/newleaf', '-mindepth', '1', '-not', '-path', '*/.cache*'];
      assert.equal(await machine.must('find', ...left), '/var/lib/newleaf/state.json\n');
      const objects = ['--module', '/usr/lib/softhsm/libsofthsm2.so', '--login', '--pin', pin, '--list-objects'];
      assert.equal(await machine.must('pkcs11-tool', ...objects), '');

      // As the machine does at its next start, where the unit is still enabled.
      assert.notEqual((await machine.run('systemctl', 'start', 'newleaf')).code, 0);
      assert.equal(
        (await machine.must('systemctl', 'show', 'newleaf', '--property=ExecMainStatus')).trim(),
        'ExecMainStatus=4',
      );
      assert.equal(await machine.must('pkcs11-tool', ...objects), '');
      await machine.must('newleaf', 'init', '--yes');
      assert.match(await machine.must('pkcs11-tool', ...objects), /newleaf-a/);
    });
  });
}
