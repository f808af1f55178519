import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import { Stage } from './stage.ts';

if (insideNetworkNamespace(import.meta.filename)) {
  suite('a gateway that works, and an init that fails: no file in use has changed', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
    });
    beforeEach(async () => {
      await stage.reset();
      stage.machine.sh('rm -rf /root/only && mkdir -m 700 /root/only && mv /etc/newleaf/* /root/only');
      const flags = stage.flags.map((word) => word.replace('/etc/newleaf/', '/root/only/'));
      const { code, out, err } = await stage.machine.newleaf(['init', '--yes', ...flags, '--new-token', 'softhsm']);
      assert.equal(code, 0, `${out}${err}`);
      stage.machine.write('/root/only/wrong.pem', stage.far.endpoints.issuerPem, 0o600);
      stage.machine.write('/root/only/wrong-password', 'wrong', 0o600);
    });
    after(() => stage.close());

    const files = () => stage.machine.sh('cd /etc/newleaf && rm -f *.draft && sha256sum *');
    const works = async () => {
      const { code, out, err } = await stage.machine.newleaf(['init']);
      assert.equal(code, 0, `${out}${err}`);
    };

    test('a wrong file as option', async () => {
      const before = files();
      const rows = [
        ['--trust-ca', 'wrong.pem', 1, /NL-DPS-UNTRUSTED .*\/root\/only\/wrong\.pem/],
        ['--est-ca', 'wrong.pem', 1, /NL-EST-UNTRUSTED/],
        ['--est-password-file', 'wrong-password', 2, /NL-EST-AUTH/],
      ] as const;
      for (const [flag, name, exit, words] of rows) {
        const { code, out, err } = await stage.machine.newleaf(['init', '--yes', flag, `/root/only/${name}`]);
        assert.equal(code, exit, `${out}${err}`);
        assert.match(err.replaceAll(/\s+/g, ' '), words);
        assert.equal(files(), before, flag);
      }
      await works();
    });

    test('wrong files as answers, and Ctrl-C', async (t) => {
      const before = files();
      const person = stage.person(t, '--ask', '--trust-ca', '/root/only/wrong.pem');
      await person.answers('ID scope', '');
      await person.answers('Registration ID', '');
      await person.answers('DPS endpoint', '');
      await person.sees('/etc/newleaf/trust.pem has another text, and stays');
      await person.answers('Copy it to /etc/newleaf/trust-2.pem? [yes]', '');
      await person.sees(/NL-DPS-UNTRUSTED[^→]*\/root\/only\/wrong\.pem/);
      await person.answers('Name another file', 'no');
      await person.answers('Go on all the same? [no]', '');
      await person.answers('DPS endpoint', '');
      await person.sees('trusted (issued by');
      for (const question of ['Which one', 'URL', 'File with the CA', 'Which one', 'User name']) {
        await person.answers(question, '');
      }
      await person.answers('Password (not shown; Enter: the one in /etc/newleaf/est-password)', 'wrong');
      await person.sees('NL-EST-AUTH');
      await person.answers('Go on all the same? [no]', '');
      await person.answers('User name', '');
      await person.answers('Enter: the one in /etc/newleaf/est-password)', 'wrong again');
      await person.sees('Go on all the same? [no]');
      person.interrupts();
      await person.ends(1);
      const draft = stage.machine.sh('cat /etc/newleaf/newleaf.toml.draft');
      assert.match(draft, /ca_file = "\/etc\/newleaf\/trust\.pem"/);
      assert.match(draft, /password_file = "\/etc\/newleaf\/est-password"/);
      assert.equal(files(), before);
      await works();
    });

    test('a password that was refused leaves no file behind', async (t) => {
      const { machine, far } = stage;
      machine.sh('rm /etc/newleaf/est-password && sed -i /password_file/d /etc/newleaf/newleaf.toml');
      const person = stage.person(t, '--ask');
      for (const question of ['ID scope', 'Registration ID', 'DPS endpoint', 'Which one', 'URL', 'File with the CA']) {
        await person.answers(question, '');
      }
      await person.answers('Which one', '');
      await person.answers('User name', '');
      await person.answers('Password (not shown): ', 'wrong');
      await person.answers('Go on all the same? [no]', '');
      await person.answers('User name', '');
      await person.answers('Password (not shown): ', far.endpoints.estPassword);
      for (const question of ['Renew', 'Which one']) await person.answers(question, '');
      await person.ends(0);
      assert.equal(machine.sh('ls /etc/newleaf | grep password'), 'est-password\n');
    });

    test('a right file with another text gets a name of its own, and the configuration names it', async () => {
      const { machine } = stage;
      machine.sh('cd /root/only && cat wrong.pem trust.pem >both.pem');
      const { code, out, err } = await machine.newleaf(['init', '--yes', '--trust-ca', '/root/only/both.pem']);
      assert.equal(code, 0, `${out}${err}`);
      assert.match(out.replaceAll(/\s+/g, ' '), /both\.pem is copied to \/etc\/newleaf\/trust-2\.pem: all users can/);
      assert.match(machine.sh('cat /etc/newleaf/newleaf.toml'), /ca_file = "\/etc\/newleaf\/trust-2\.pem"/);
      machine.sh('cmp /etc/newleaf/trust.pem /root/only/trust.pem; cmp /etc/newleaf/trust-2.pem /root/only/both.pem');
      const before = files();
      const again = await machine.newleaf(['init', '--yes', '--trust-ca', '/root/only/both.pem']);
      assert.equal(again.code, 0, again.err);
      assert.doesNotMatch(again.out, /is copied/);
      assert.equal(files(), before);
    });
  });
}
