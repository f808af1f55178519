import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redIn } from '../e2e/check/red.ts';
import { inside } from '../namespace.ts';
import { APART, isUp } from './machine.ts';
import { provisioned } from './site.ts';

const START =
  'Correct what else fails here, then `systemctl start newleaf`. The end of its log: `journalctl -u newleaf -n 20`.';
const NOBODY = 'socket NL-DAEMON-DOWN The daemon does not run: there is no answer on /run/newleaf/control.sock.';

if (inside(import.meta.filename, APART)) {
  test('check on a machine with systemd, by whom it is called', async (t) => {
    const { machine, technician } = await provisioned(t);
    const check = async (...user: readonly string[]) => {
      const ended = await machine.run(...user, 'newleaf', 'check');
      // Others than root may not look at all of it.
      const otherwise = user.length > 0 ? 4 : 0;
      assert.equal(ended.code, redIn(ended).length > 0 ? 1 : otherwise, ended.out + ended.err);
      return { red: redIn(ended), out: ended.out };
    };
    await machine.must('chown', 'newleaf:', '/etc/newleaf/est-password');
    await machine.must('chmod', '0600', '/etc/newleaf/est-password');
    await machine.must('systemctl', 'enable', '--now', 'newleaf');
    await machine.until(isUp);
    await machine.until(({ StatusText }) => StatusText?.includes('online') === true);

    await t.test('root: all is well, and nothing is changed', async () => {
      const state = () => machine.must('find', '/var/lib/newleaf', '-printf', '%u %m %p %T@\n');
      const before = await state();
      const { red, out } = await check();
      assert.deepEqual(red, [], out);
      assert.match(out, /^ok +unit +newleaf\.service is enabled and active, with a watchdog, and no restart\.$/m);
      assert.match(out, /\nskipped +uplink +No program .*\n\n2[67] ok, 0 with a warning, 1 skipped, 0 failed\n$/);
      assert.equal(await state(), before);
      assert.equal(
        await machine.must('find', '/var/lib/softhsm/tokens', '-mindepth', '1', '!', '-user', 'newleaf'),
        '',
      );
    });

    await t.test('a member of the group: what is not for everybody is skipped', async () => {
      await machine.must('useradd', '--groups', 'newleaf', 'ines');
      const { red, out } = await check('runuser', '-u', 'ines', '--');
      assert.deepEqual(red, [], out);
      assert.match(
        out,
        /^skipped +state-file +This user may not read \/var\/lib\/newleaf\/state\.json\.\n +→ sudo newleaf check$/m,
      );
      assert.match(out, /^ok +hub-reach /m);
      assert.match(out, /\n\d+ checks need sudo: `sudo newleaf check`\n$/);
    });

    await t.test('root: what the daemon could not read is red, though root could', async () => {
      await machine.must('chown', 'root:', '/etc/newleaf/est-password');
      await machine.must('chmod', '0600', '/etc/newleaf/newleaf.toml');
      assert.deepEqual((await check()).red, [
        'permissions NL-CONFIG The user newleaf may not read /etc/newleaf/newleaf.toml. → chmod 0644 /etc/newleaf/newleaf.toml',
      ]);
      await machine.must('chmod', '0644', '/etc/newleaf/newleaf.toml');
      assert.deepEqual((await check()).red, [
        'permissions NL-CONFIG The user newleaf may not read /etc/newleaf/est-password. → `chown newleaf /etc/newleaf/est-password`, then `chmod 0600 /etc/newleaf/est-password`',
      ]);
      await machine.must('chown', 'newleaf:', '/etc/newleaf/est-password');
    });

    await t.test('a daemon that was stopped, and one that has ended', async () => {
      await machine.must('systemctl', 'stop', 'newleaf');
      assert.deepEqual((await check()).red, [
        `${NOBODY} systemd has not started newleaf.service, or has stopped it (inactive). → ${START}`,
      ]);
      technician.pin = '0815';
      await machine.run('systemctl', 'start', 'newleaf');
      const [pin, socket, ...more] = (await check()).red;
      assert.match(pin ?? '', /^pin NL-TOKEN-PIN Token newleaf .* has refused this PIN before .* not tried again\./);
      const ended = String(socket).replace(/, \w{3} <moment>:\d\d UTC\./, '.');
      assert.equal(ended, `${NOBODY} newleaf.service is failed: it ended with exit code 4. → ${START}`);
      assert.deepEqual(more, []);
    });
  });
}
