import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import { assertAlarmed, assertEnded } from './ended.ts';
import { APART, isUp, type Machine } from './machine.ts';
import { provisioned } from './site.ts';

/** What a technician reads of a daemon that has ended, without line ends. */
async function said(machine: Machine): Promise<string> {
  const { code, out, err } = await machine.run('newleaf', 'status');
  assert.equal(code, 5);
  return `${out}${err}`.replaceAll(/\s+/g, ' ');
}

if (inside(import.meta.filename, APART)) {
  test('what a restart cannot help ends at the first try, and one sentence says what to do', async (t) => {
    const { far, machine, technician } = await provisioned(t);
    const { pin } = technician;
    const start = () => machine.run('systemctl', 'start', 'newleaf');

    await t.test('a wrong PIN', async () => {
      technician.pin = '0815';
      await start();
      await assertEnded(machine, '4', /^NL-TOKEN-PIN .*`systemctl restart newleaf`\.$/);
      assert.match(
        await said(machine),
        /NL-DAEMON-DOWN The daemon does not run\. It ended .*NL-TOKEN-PIN .*\/etc\/newleaf\/pin/,
      );
      await assertAlarmed(machine, /A person is needed.*NL-TOKEN-PIN .* The leaf: Expires in /, () =>
        machine.run('systemctl', 'start', 'newleaf-fallback'),
      );
    });

    await t.test('the same again: the token is not asked a second time', async () => {
      await start();
      await assertEnded(machine, '4', /^NL-TOKEN-PIN .* has refused this PIN before .* not tried again/);
    });

    await t.test('no PIN', async () => {
      rmSync(join(machine.root, 'etc/newleaf/pin'));
      await start();
      await assertEnded(machine, '4', /^NL-TOKEN-PIN-FILE There is no PIN: .*\/etc\/newleaf\/pin/);
      assert.match(await said(machine), /NL-TOKEN-PIN-FILE There is no PIN/);
    });

    await t.test('a sealed PIN in its place', async () => {
      machine.write('/root/pin', pin);
      const sealed = '/etc/credstore.encrypted/hsm-pin';
      await machine.must('mkdir', '-p', dirname(sealed));
      await machine.must('systemd-creds', 'encrypt', '--name=hsm-pin', '--with-key=host', '/root/pin', sealed);
      const told = '/etc/systemd/system/newleaf.service.d/sealed.conf';
      if ((await machine.version()) < 254) {
        machine.write(told, `[Service]\nLoadCredentialEncrypted=hsm-pin:${sealed}\n`);
        await machine.must('systemctl', 'daemon-reload');
      }
      await machine.must('systemctl', 'start', 'newleaf');
      assert.ok(isUp(await machine.show()));
      await machine.must('systemctl', 'stop', 'newleaf');
      await machine.must('rm', '--force', sealed, told);
      await machine.must('systemctl', 'daemon-reload');
      technician.pin = pin;
    });

    await t.test('a damaged state file', async () => {
      const path = join(machine.root, 'var/lib/newleaf/state.json');
      const good = await machine.must('cat', '/var/lib/newleaf/state.json');
      writeFileSync(path, good.slice(0, good.length / 2));
      await start();
      await assertEnded(machine, '4', /^NL-STATE-CORRUPT /);
      // Put back by root, who alone may read it then.
      writeFileSync(path, good);
      await machine.must('chown', 'root:', '/var/lib/newleaf/state.json');
      await machine.must('chmod', '600', '/var/lib/newleaf/state.json');
    });

    await t.test('a wrong configuration', async () => {
      const putBack = technician.set('issuer', '"nobody"');
      await start();
      await assertEnded(machine, '2', /^NL-CONFIG .*leaf\.issuer/);
      const { code, err } = await machine.run('newleaf', 'status');
      assert.equal(code, 2);
      assert.match(err.replaceAll(/\s+/g, ' '), /^NL-CONFIG .*→ Correct the line .* `systemctl restart newleaf`/);
      putBack();
    });

    await t.test('a program that ends before it speaks, however often it is started', async () => {
      const dumb = '/etc/systemd/system/newleaf.service.d/dumb.conf';
      machine.write(dumb, '[Service]\nExecStart=\nExecStart=/bin/false\nRestart=no\n');
      await machine.must('systemctl', 'daemon-reload');
      for (let times = 0; times < 25; times += 1) await start();
      await machine.must('rm', dumb);
      await machine.must('systemctl', 'daemon-reload');
    });

    await t.test('all is put right: it starts, and the alarm ends', async () => {
      const mark = far.log.entries.length;
      await machine.must('systemctl', 'restart', 'newleaf');
      await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
      await machine.must('systemctl', 'start', 'newleaf-fallback');
      assert.equal(await machine.must('systemctl', '--failed', '--plain', '--quiet'), '');
    });
  });

  test('what passes is tried again for ever, and ever more slowly', (t) => passing(t));
}

async function passing(t: TestContext): Promise<void> {
  const { machine, technician } = await provisioned(t);
  const dropIn = (unit: string, text: string) => machine.write(`/etc/systemd/system/${unit}.d/test.conf`, text);
  const putBack = technician.set('token', '"unplugged"');
  // Nor does it wait until the token may be opened again.
  const quick = '[Service]\nRestartSec=100ms\nRestartMaxDelaySec=1s\nExecStopPost=rm -f /run/newleaf/started\n';
  dropIn('newleaf.service', quick);
  dropIn('newleaf-fallback.timer', '[Timer]\nOnActiveSec=\nOnActiveSec=6s\nOnUnitInactiveSec=2s\nAccuracySec=100ms\n');
  await machine.must('systemctl', 'daemon-reload');
  await machine.run('systemctl', 'start', '--no-block', 'newleaf');
  await assertAlarmed(machine, /\d restarts\).*again and again.*NL-TOKEN-MISSING/);

  // A systemd that gives up.
  dropIn('newleaf.service', `[Unit]\nStartLimitIntervalSec=5min\nStartLimitBurst=2\n${quick}`);
  await machine.must('systemctl', 'daemon-reload');
  await assertAlarmed(machine, /It is started again\..*NL-TOKEN-MISSING/);
  putBack();
  await machine.until(isUp);
}
