import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import type { FaultName } from '../../simulator/faults.ts';
import type { ServerName } from '../../simulator/log.ts';
import { Stage } from './stage.ts';

if (insideNetworkNamespace(import.meta.filename)) {
  suite('newleaf init may be stopped anywhere, and run again', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
    });
    after(() => stage.close());

    test('at each question: nothing is half done, and what was answered is remembered step by step', async (t) => {
      await stage.reset();
      const { answers } = stage;
      for (const stop of answers.keys()) {
        stage.machine.sh('rm -f /etc/newleaf/newleaf.toml.draft');
        const person = stage.person(t);
        for (const [at, [question, answer]] of answers.entries()) {
          if (at < stop) await person.answers(question, answer);
          else await person.sees(question);
          if (at === stop) break;
        }
        person.interrupts();
        await person.ends(1);
        assert.match(person.transcript, /Stopped\.\n.*Run `newleaf init` again/);
        const left = stage.machine.sh('ls /etc/newleaf').split('\n');
        assert.ok(!left.includes('newleaf.toml') && !left.includes('pin'), `${stop}: ${left}`);
      }
      const person = stage.person(t);
      await person.sees('Your earlier answers');
      await person.answers('ID scope [0ne00000000]', '');
      await person.answers('Registration ID, which is the CN of every leaf [gw-0001]', '');
      await person.answers('DPS endpoint [localhost', '');
      await person.sees('trusted (issued by');
      for (const question of [
        'Which one [1]',
        'URL of the EST server [https',
        'File with the CA of its',
        'Which one [1]',
      ]) {
        await person.answers(question, '');
      }
      await person.answers('User name [newleaf]', '');
      await person.answers('Enter: the one in /etc/newleaf/est-password', '');
      for (const question of ['Renew', 'Which one', 'Name of the new', 'PIN for it'])
        await person.answers(question, '');
      await person.ends(0);
      assert.equal(stage.rootsOwn(), '');
    });

    test('on a terminal, while another process provisions: Ctrl-C ends both in order', async (t) => {
      await stage.reset();
      await stage.far.lay('hub1', 'no-connack');
      const person = stage.person(t, ...stage.flags, '--new-token', 'softhsm');
      for (const question of ['Renew', 'Name of the new', 'PIN for it']) await person.answers(question, '');
      await person.sees('proving the next leaf');
      person.types('hunter2\r');
      person.interrupts();
      await person.sees('Interrupted. Nothing is lost.');
      await person.ends(1);
      await stage.far.lift('hub1');
      assert.doesNotMatch(person.transcript, /hunter2|\^C/);
    });

    /** Where a server says nothing, the work stands still, and somebody loses patience. */
    const phases: readonly (readonly [server: ServerName, fault: FaultName, seen: string])[] = [
      ['est', 'est-hang', 'waiting for the issuer'],
      ['dps', 'no-answer', 'registering the next leaf'],
      ['hub1', 'no-connack', 'proving the next leaf'],
    ];
    for (const [server, fault, seen] of phases) {
      test(`while it is ${seen}: the next run goes on from there, with the same key`, async (t) => {
        await stage.reset();
        await stage.far.lay(server, fault);
        t.after(() => stage.far.lift(server));
        const line = ['--yes', ...stage.flags, '--new-token', 'softhsm'];
        const person = stage.person(t, ...line);
        await person.sees(seen);
        person.interrupts();
        await person.sees('Interrupted. Nothing is lost.');
        await person.ends(1);
        await stage.far.lift(server);
        const { code, out, err } = await stage.machine.newleaf(['init']);
        assert.equal(code, 0, `${out}${err}`);
        const keys = stage.machine.sh(
          'setpriv --reuid newleaf --regid newleaf --init-groups -- pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label newleaf --login --pin "$(cat /etc/newleaf/pin)" --list-objects --type privkey',
        );
        assert.equal(keys.match(/label:/g)?.length, 1, keys);
        assert.equal(stage.rootsOwn(), '');
      });
    }

    test('an answer was wrong, which is seen while it provisions: --ask, as printed, asks it again', async (t) => {
      await stage.reset();
      await stage.far.lay('hub1', 'port-closed');
      const person = stage.person(t, ...stage.flags, '--renew-at', '70%', '--new-token', 'softhsm');
      for (const question of ['Name of the new', 'PIN for it']) await person.answers(question, '');
      await person.sees(/Where an answer was wrong: Ctrl-C, then\s+`?(?:sudo )?newleaf init --ask/);
      person.interrupts();
      await person.ends(1);
      await stage.far.lift('hub1');
      const again = stage.person(t, '--ask');
      for (const question of ['ID scope', 'Registration', 'DPS endpoint', 'Which one', 'URL', 'File with', 'Which one'])
        await again.answers(question, '');
      for (const question of ['User name', 'Enter: the one in']) await again.answers(question, '');
      await again.answers('Renew', '50%');
      await again.answers('Which one', '');
      await again.ends(0);
      assert.match(stage.machine.sh('cat /etc/newleaf/newleaf.toml'), /renew_at = "50%"/);
    });

    test('killed while the token is made: the next run completes it', async (t) => {
      await stage.reset();
      const line = ['--yes', ...stage.flags, '--new-token', 'softhsm'];
      // As a run leaves it that was cut off between C_InitToken and C_InitPIN: with both PINs on disk.
      stage.machine.write('/etc/newleaf/pin', '123456\n', 0o600);
      stage.machine.write('/etc/newleaf/so-pin', '47114711\n', 0o600);
      stage.machine.sh(
        'setpriv --reuid newleaf --regid newleaf --init-groups -- pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --slot-index 0 --init-token --label newleaf --so-pin 47114711',
      );
      const person = stage.person(t, ...line);
      await person.ends(0);
      assert.match(person.transcript, /Token "newleaf" is made/);
      assert.equal(stage.machine.sh('cat /etc/newleaf/pin'), '123456\n');
    });
  });
}
