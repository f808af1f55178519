import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import { Stage } from './stage.ts';

if (insideNetworkNamespace(import.meta.filename)) {
  suite('a wrong answer is noticed, and corrected where it was given', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
    });
    beforeEach(() => stage.reset());
    after(() => stage.close());

    test('the ID scope: DPS answers as in an outage, and the person is asked which it is', async (t) => {
      const { machine, far } = stage;
      const flags = stage.flags.map((word) => (word === far.endpoints.idScope ? '0ne00000001' : word));
      const person = stage.person(t, ...flags, '--new-token', 'softhsm');
      for (const question of ['Renew', 'Name of the new', 'PIN for it']) await person.answers(question, '');
      for (let times = 0; times < 2; times += 1) await person.sees(/!!.*NL-DPS-SCOPE/);
      await person.answers('ID scope [0ne00000001]: ', '');
      await person.sees('Provisioning gw-0001 (ID scope 0ne00000001');
      person.types('hunter2\r0ne00000009\r');
      for (let times = 0; times < 2; times += 1) await person.sees(/!!.*NL-DPS-SCOPE/);
      await person.sees('Is 0ne00000001 the right ID scope? Enter tries again, or type another.');
      await person.sees('what was typed before its question is not taken');
      await person.answers('ID scope [0ne00000001]: ', 'not a scope');
      await person.answers('ID scope [0ne00000001]: ', far.endpoints.idScope);
      await person.sees('Connected to');
      await person.ends(0);
      assert.doesNotMatch(person.transcript, /hunter2|0ne00000009/);
      assert.match(machine.sh('cat /etc/newleaf/newleaf.toml'), new RegExp(`id_scope = "${far.endpoints.idScope}"`));
      assert.equal(far.log.count({ event: 'issued' }), 1, 'the leaf is the same');
      assert.equal(stage.rootsOwn(), '');
    });

    test('the same where init keeps its user, in one process: and `back` there asks everything again', async (t) => {
      const { machine, far } = stage;
      machine.sh('rm -rf /root/own && mkdir /root/own');
      machine.write(
        '/root/own/own.toml',
        '[state]\ndirectory = "/root/own/state"\n[control]\nsocket = "/root/own/control.sock"\n',
      );
      const person = stage.person(t, '--config', '/root/own/own.toml', ...stage.flags, '--id-scope', '0ne00000001');
      await person.answers('Renew', '');
      await person.answers(/new token in SoftHSM.*Which one/s, '1');
      await person.answers('Name of the new', '');
      await person.answers('PIN for it', '');
      await person.sees('Provisioning');
      person.types('hunter2\r');
      for (let times = 0; times < 2; times += 1) await person.sees(/!!.*NL-DPS-SCOPE/);
      await person.answers('ID scope [0ne00000001]: ', 'back');
      assert.doesNotMatch(person.transcript, /hunter2/);
      await person.answers(/1 of 3.*ID scope \[0ne00000001\]: /s, far.endpoints.idScope);
      for (const question of ['Registration', 'DPS endpoint', 'Which one', 'URL', 'File', 'Which one', 'User name']) {
        await person.answers(question, '');
      }
      for (const question of ['Password', 'Renew', 'Which one']) await person.answers(question, '');
      await person.sees('Connected to');
      await person.ends(0);
    });

    test('an ID scope as registration ID is asked back', async (t) => {
      const person = stage.person(t);
      await person.answers('ID scope', stage.far.endpoints.idScope);
      for (const scope of ['0ne00000000', '0cn0000990D']) {
        await person.answers('Registration ID', scope);
        await person.sees('looks like an ID scope');
        await person.answers('Take it all the same? [no]', '');
      }
      await person.answers('Registration ID', 'gw-0001');
      await person.sees('DPS endpoint');
      assert.match(person.transcript, /0ne00000000\n {2}The registration ID 0ne00000000 looks like an ID scope\.\n/);
    });

    test('back goes to the question before, also to that of the step before, and `back` is said once', async (t) => {
      const { endpoints: at } = stage.far;
      const person = stage.person(t);
      await person.sees('`back` goes to the question before');
      await person.answers('ID scope', 'back');
      await person.sees('There is no question before this one');
      await person.answers('ID scope', '0ne00000001');
      await person.answers('Registration ID', 'back');
      await person.answers('ID scope [0ne00000001]', at.idScope);
      await person.answers('Registration ID', 'gw-0001');
      await person.answers('DPS endpoint', at.dps);
      await person.answers('Name another file', '');
      await person.answers('File with the CAs of DPS', '/etc/newleaf/trust.pem');
      await person.answers(/2 of 3.*Which one \[1\]/s, 'back');
      await person.sees('1 of 3');
      await person.answers('DPS endpoint [localhost', '');
      await person.answers(/2 of 3.*Which one \[1\]/s, '3');
      await person.answers('Renew a leaf at', '');
      await person.answers(/3 of 3.*Which one \[1\]/s, 'back');
      await person.answers('Renew a leaf at', '');
      await person.answers(/Which one \[1\]/s, '1');
      await person.answers('Name of the new token', 'mine');
      await person.answers('PIN for it', 'back');
      await person.answers('Name of the new token', 'back');
      await person.answers(/new token in SoftHSM.*Which one \[1\]/s, '');
      await person.answers('Name of the new token', '');
      await person.answers('PIN for it', '');
      await person.sees('init waits for it');
    });

    test('an EST server that is not there, another CA, a wrong path, a wrong password: each by itself', async (t) => {
      const { machine, far } = stage;
      const { endpoints: at } = far;
      machine.write('/etc/newleaf/other.pem', at.trustPem);
      const flags = stage.flags.slice(0, stage.flags.indexOf('--est-url'));
      const person = stage.person(t, ...flags, '--new-token', 'softhsm');
      await person.answers('URL of the EST server', 'https://localhost:9/.well-known/est');
      await person.sees(/NL-EST-UNREACHABLE .*port 9 cannot be/);
      await person.answers('Go on all the same? [no]', '');
      await person.answers('URL of the EST server [https://localhost:9', new URL('/nowhere', at.est).href);
      await person.answers('File with the CA of its', '/etc/newleaf/other.pem');
      await person.sees(/NL-EST-UNTRUSTED localhost[^→]*issued by "device CA\s[^→]*other\.pem/);
      await person.answers('Go on all the same? [no]', '');
      await person.answers('File with the CA of its', '/etc/newleaf/est-ca.pem');
      await person.sees('NL-EST-REFUSED');
      await person.answers('Go on all the same? [no]', '');
      await person.answers('URL of the EST server', at.est);
      await person.answers('File with the CA of its', '');
      await person.sees('The EST server answers.');
      await person.answers('Which one [1]', '');
      await person.answers('User name', at.estUsername);
      await person.answers('Password', 'wrong');
      await person.sees(/NL-EST-AUTH \S+ does not accept user name\s+and\s+password[^→]*→ Enter asks for them again/);
      await person.answers('Go on all the same? [no]', '');
      await person.answers(`User name [${at.estUsername}]`, '');
      await person.answers('Password', at.estPassword);
      await person.sees('The EST server knows this gateway.');
      await person.answers('Renew', '');
      await person.answers('Name of the new', '');
      await person.answers('PIN for it', '');
      await person.ends(0);
    });

    test('Ctrl-C loses no answer of the step: the next run has them in brackets', async (t) => {
      const { endpoints: at } = stage.far;
      const flags = stage.flags.slice(0, stage.flags.indexOf('--est-url'));
      const person = stage.person(t, ...flags);
      await person.answers('URL of the EST server', at.est);
      await person.answers('File with the CA of its', '/etc/newleaf/est-ca.pem');
      await person.answers('Which one [1]', '');
      await person.answers('User name', 'somebody');
      await person.sees('Password');
      person.interrupts();
      await person.sees('Run `newleaf init` again: your answers are kept');
      await person.ends(1);
      const again = stage.person(t, ...flags);
      await again.answers(`URL of the EST server [${at.est}]`, '');
      await again.answers('File with the CA of its certificate (PEM) [/etc/newleaf/est-ca.pem]', '');
      await again.answers('Which one [1]', '');
      await again.sees('User name [somebody]');
    });

    test('a CA that only root can read is offered to be copied', async (t) => {
      const { machine, far } = stage;
      machine.sh('mkdir -p -m 700 /root/only && cp /etc/newleaf/trust.pem /root/only');
      machine.write('/etc/newleaf/trust.pem', 'another');
      const person = stage.person(t, '--trust-ca', '/root/only/trust.pem', '--endpoint', far.endpoints.dps);
      await person.answers('ID scope', far.endpoints.idScope);
      await person.answers('Registration ID', 'gw-0001');
      await person.answers('Copy it to /etc/newleaf/trust-2.pem? [yes]', 'back');
      await person.answers('File with the CAs of DPS and hubs', '/root/only/trust.pem');
      await person.answers('Copy it to /etc/newleaf/trust-2.pem? [yes]', '');
      await person.sees('trusted (issued by');
      await person.answers('Which one', 'est');
      await person.answers('URL of the EST server', 'https://localhost:9/.well-known/est');
      await person.answers('Go on all the same? [no]', 'back');
      await person.sees('URL of the EST server [https://localhost:9');
      assert.equal(machine.sh('stat -c "%a %U" /etc/newleaf/trust-2.pem'), '644 root\n');
      assert.equal(machine.sh('cat /etc/newleaf/trust-2.pem'), far.endpoints.trustPem);
      assert.equal(machine.sh('cat /etc/newleaf/trust.pem'), 'another');
    });
  });
}
