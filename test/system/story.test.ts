import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import { APART, isUp, type Machine, type Unit } from './machine.ts';
import { debOf, site } from './site.ts';

/** Makes seconds of minutes, by a drop-in as `systemctl edit` writes it. */
function hasten(machine: Machine): void {
  machine.dropIn('[Service]\nWatchdogSec=2s\nRestartSec=100ms\n');
}

if (inside(import.meta.filename, APART)) {
  test('what the README tells the technician, from a machine that nobody has touched', async (t) => {
    const { far, machine, technician } = await site(t);
    const connected = (since: number) => far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);

    await t.test('install and init', async () => {
      await technician.install(debOf());
      assert.equal(
        (await machine.show()).ActiveState,
        'inactive',
        'a configuration is missing, and no unit has failed',
      );
      const { code, out, err } = await technician.init();
      assert.equal(code, 0, `${out}${err}`);
      await machine.must('systemctl', 'enable', 'newleaf');
      hasten(machine);
    });

    await t.test('a reboot brings it up, with a new session and no registration', async () => {
      const mark = far.log.entries.length;
      await machine.reboot();
      await machine.until(isUp);
      const session = await connected(mark);
      const { StatusText } = await machine.until(({ StatusText }) => StatusText?.includes('online') === true);
      const leaf = JSON.parse(await machine.must('newleaf', 'status', '--json')).leaf;
      assert.equal(session.thumbprint, leaf.thumbprint);
      const hub = far.endpoints.hub1;
      assert.equal(StatusText, `serving with the current leaf, online at ${hub}; the leaf ends ${leaf.notAfter}`);
      assert.equal(far.log.since(mark).filter(({ event }) => event === 'register').length, 0);
    });

    await t.test('what is where, and whose it is', async () => {
      const stat = async (path: string) => (await machine.must('stat', '--format=%a %U:%G', path)).trim();
      assert.equal(await stat('/var/lib/newleaf'), '750 newleaf:newleaf');
      assert.equal(await stat('/var/lib/newleaf/inbox'), '2770 newleaf:newleaf');
      assert.equal(await stat('/var/lib/newleaf/state.json'), '600 newleaf:newleaf');
      assert.equal(await stat('/var/lib/newleaf/leaf.pem'), '644 newleaf:newleaf');
      assert.equal(await stat('/run/newleaf/control.sock'), '660 newleaf:newleaf');
      assert.equal(await stat('/etc/newleaf/pin'), '600 root:root');
      const strangers = await machine.must('find', '/var/lib/newleaf', '/run/newleaf', '!', '-user', 'newleaf');
      assert.equal(strangers, '');
    });

    await t.test('a member of the group uses commands and inbox; others do not', async () => {
      await machine.must('useradd', '--groups', 'newleaf', 'ines');
      await machine.must('useradd', 'olga');
      const as = (user: string, ...argv: readonly string[]) => machine.run('runuser', '-u', user, '--', ...argv);
      assert.equal((await as('ines', 'newleaf', 'status')).code, 0);
      assert.equal((await as('ines', 'cp', '/etc/newleaf/est-ca.pem', '/var/lib/newleaf/inbox/leaf.pem')).code, 0);
      const rejected = await machine.journal.waitFor({ event: 'inbox-rejected' });
      assert.match((await as('ines', 'cat', `${rejected.path}.reason`)).out, /^NL-LEAF-/);
      for (const secret of ['/etc/newleaf/pin', '/var/lib/newleaf/state.json'])
        assert.notEqual((await as('ines', 'cat', secret)).code, 0, secret);
      assert.notEqual((await as('ines', 'tee', '--append', '/etc/newleaf/newleaf.toml')).code, 0);
      assert.match((await as('olga', 'newleaf', 'status')).err, /^NL-CONTROL-DENIED/);
      assert.notEqual((await as('olga', 'ls', '/var/lib/newleaf')).code, 0);
    });

    await t.test('a roll under systemd, with the old key destroyed', async () => {
      const { code, out, err } = await machine.run('newleaf', 'roll', '--wait');
      assert.equal(code, 0, `${out}${err}`);
    });

    await t.test('the watchdog was fed all the while', async () => {
      assert.equal((await machine.show()).NRestarts, '0');
    });

    await t.test('it hangs: the watchdog ends it, and it comes back', async () => {
      const before = await machine.show();
      const mark = far.log.entries.length;
      await machine.must('kill', '-STOP', before.MainPID ?? '');
      await machine.journal.waitFor(({ message }) => String(message).includes('Watchdog timeout'));
      const after = await machine.until((unit) => isUp(unit) && unit.MainPID !== before.MainPID);
      assert.equal(after.NRestarts, '1');
      await connected(mark);
    });

    await t.test('it is killed so soon after: it leaves the token alone, unless a person restarts it', async () => {
      const { MainPID } = await machine.show();
      const [mark, since] = [far.log.entries.length, machine.journal.lines.length];
      await machine.must('kill', '-KILL', MainPID ?? '');
      await machine.journal.waitFor({ event: 'resting' }, { since });
      const isTold = ({ StatusText }: Unit) => /leaves the token alone for \d+ seconds\.$/.test(StatusText ?? '');
      await machine.until(isTold);
      await machine.must('systemctl', 'restart', 'newleaf');
      const rests = machine.journal.lines.slice(since).filter(({ event }) => event === 'resting');
      assert.equal(rests.length, 1);
      assert.ok(isUp(await machine.show()));
      await connected(mark);
    });

    await t.test('it is told to stop: it ends by itself, and stays so', async () => {
      await machine.must('systemctl', 'stop', 'newleaf');
      await machine.must('systemctl', 'start', 'newleaf-fallback');
      const { ActiveState, Result, ExecMainStatus } = await machine.show();
      assert.deepEqual([ActiveState, Result, ExecMainStatus], ['inactive', 'success', '0']);
    });
  });
}
