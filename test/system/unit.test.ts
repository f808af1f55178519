import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inside } from '../namespace.ts';
import { APART, isUp, type Machine } from './machine.ts';
import { debOf, site } from './site.ts';

const DROP_INS = '/etc/systemd/system/newleaf.service.d';

/** The unit starts this shell command in place of newleaf. */
async function standIn(machine: Machine, command: string, more = ''): Promise<void> {
  machine.write(
    `${DROP_INS}/test.conf`,
    `[Service]\nExecCondition=\nExecStart=\nExecStart=/bin/sh -c '${command}'\n${more}`,
  );
  await machine.must('systemctl', 'daemon-reload');
}

if (inside(import.meta.filename, APART)) {
  test('the unit, with something else than newleaf in it', async (t) => {
    const { machine, technician } = await site(t);
    await technician.install(debOf());

    const isPaced = (await machine.version()) >= 254;
    await t.test('6, "restart me", is no failure; it comes back at once, and later the next time', async (t) => {
      if (!isPaced) return t.skip('this systemd has no RestartSteps');
      await standIn(machine, 'systemd-notify --ready; test -e $RUNTIME_DIRECTORY/again || exit 6; sleep infinity');
      machine.write('/etc/tmpfiles.d/again.conf', 'f /run/newleaf/again');
      machine.write(`${DROP_INS}/again.conf`, '[Service]\nRestartSec=100ms\n');
      await machine.must('systemctl', 'daemon-reload');
      const first = await machine.show();
      await machine.must('systemctl', 'start', 'newleaf');
      const restarted = await machine.until(({ NRestarts }) => NRestarts === '2');
      await machine.must('systemd-tmpfiles', '--create', 'again.conf');
      const { Result, RestartUSecNext } = await machine.until(isUp);
      assert.equal(Result, 'success');
      assert.equal(first.RestartUSecNext, '100ms');
      assert.notEqual(RestartUSecNext, first.RestartUSecNext);
      assert.equal(restarted.Result, 'success');
      await machine.must('systemctl', 'start', 'newleaf-fallback');
      assert.equal((await machine.show()).RestartUSecNext, first.RestartUSecNext, 'the fallback sets it back');
      await machine.must('systemctl', 'stop', 'newleaf');
    });

    await t.test('a TPM is there with the drop-in, and not without it', async () => {
      // Any device: what is looked at is who may open it.
      await machine.must('mknod', '--mode=660', '/dev/tpmrm0', 'c', '1', '3');
      await machine.must('chgrp', 'tss', '/dev/tpmrm0');
      await standIn(machine, 'exec 3<>/dev/tpmrm0', 'Type=oneshot\nRestart=no\n');
      assert.equal((await machine.run('systemctl', 'start', 'newleaf')).code, 1);
      await machine.must('cp', '/usr/share/newleaf/tpm.conf', DROP_INS);
      await machine.must('systemctl', 'daemon-reload');
      await machine.must('systemctl', 'start', 'newleaf');
    });
  });
}
