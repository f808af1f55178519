import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, beforeEach, suite, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import { environment } from './machine.ts';
import { Stage } from './stage.ts';

if (insideNetworkNamespace(import.meta.filename)) {
  suite('newleaf init meets somebody who says no', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
    });
    beforeEach(() => stage.reset());
    after(() => stage.close());
    const line = () => ['--yes', ...stage.flags, '--new-token', 'softhsm'];

    test('DPS: it shows what the operator needs, waits, and goes on when the leaf is enrolled', async (t) => {
      const { machine, far } = stage;
      await far.removeEnrollment('gateways');
      const first = await machine.newleaf(['init', ...line()]);
      assert.equal(first.code, 4, 'in a script nobody is waited for');
      assert.match(first.err, /NL-DPS-401002/);
      for (const words of [
        'SHA-256',
        'az iot dps enrollment create',
        '--certificate-path next.pem',
        'scripts/enroll add individual --certificate next.pem',
        '-----BEGIN CERTIFICATE',
      ]) {
        assert.ok(first.out.includes(words), first.out);
      }
      const thumbprint = /SHA-256 +((?:[0-9A-F]{4}\s+){16})/.exec(first.out)?.[1]?.replaceAll(/\s/g, '');

      const person = stage.person(t);
      await person.sees('Waiting for the operator');
      person.types('\r');
      await person.sees('!!  NL-DPS-401002');
      await far.enrollIndividual({ registrationId: 'gw-0001', primary: machine.sh('cat /var/lib/newleaf/next.pem') });
      person.types('\r');
      await person.ends(0);
      t.diagnostic(`\n${person.transcript}`);
      assert.equal(far.log.matching({ event: 'connected' }).at(-1)?.thumbprint, thumbprint, 'it is the same leaf');
      assert.equal(far.log.count({ event: 'issued' }), 1);
      await far.removeEnrollment('gw-0001');
    });

    test('DPS, by a disabled enrollment: nothing is to be enrolled', async () => {
      await stage.far.setStatus('gateways', 'disabled');
      const { code, out, err } = await stage.machine.newleaf(['init', ...line()]);
      await stage.far.setStatus('gateways', 'enabled');
      assert.equal(code, 4);
      assert.match(err, /NL-DPS-DISABLED/);
      assert.match(out, /The operator of DPS enables its enrollment:\n\n {2}CN +gw-0001\n/);
      assert.doesNotMatch(out, /az iot dps/);
    });

    test('the EST server, and the person goes on all the same: it ends with the reason, and waits for nobody', async (t) => {
      stage.machine.write('/etc/newleaf/given-password', 'wrong', 0o600);
      const person = stage.person(t, ...line().slice(1));
      await person.sees('NL-EST-AUTH');
      await person.answers('Go on all the same? [no]', 'yes');
      for (const question of ['Renew', 'Name of the new', 'PIN for it']) await person.answers(question, '');
      await person.sees(/Provisioning[^→]*NL-EST-AUTH[^→]*→ Check issuer/);
      await person.sees('newleaf init --ask');
      await person.ends(4);
    });

    test('DPS, and the person gives up: nothing is lost', async (t) => {
      await stage.far.removeEnrollment('gateways');
      const person = stage.person(t, ...line(), '--wait');
      await person.sees('Waiting for the operator');
      person.interrupts();
      await person.sees('Interrupted. Nothing is lost.');
      await person.ends(1);
      await stage.reset();
    });

    test('the token: a wrong PIN is tried once and says so, and the right one is asked for', async (t) => {
      stage.machine.sh(
        'setpriv --reuid newleaf --regid newleaf --init-groups -- softhsm2-util --init-token --free --label mine --pin 4711 --so-pin 47114711',
      );
      const person = stage.person(t, ...stage.flags);
      await person.answers('Renew', '');
      await person.answers('Which one [1]', '');
      await person.answers('PIN of token "mine"', '1234');
      await person.sees('tried once, and is not tried again');
      await person.answers('Which one [1]', '');
      await person.answers('PIN of token "mine"', '1234');
      await person.sees('it was not tried again');
      await person.answers('Which one [1]', '');
      await person.answers('PIN of token "mine"', '4711');
      await person.sees('accepts the PIN');
      await person.ends(0);
      assert.equal(stage.machine.sh('cat /etc/newleaf/pin'), '4711\n');
    });

    test('a person signs: the CSR is shown, the leaf waited for, and its arrival proven', async (t) => {
      const { machine, far } = stage;
      const flags = stage.flags.slice(0, stage.flags.indexOf('--issuer'));
      const script = await machine.newleaf(['init', '--yes', ...flags, '--issuer', 'inbox', '--new-token', 'softhsm']);
      assert.match(script.out, /while the daemon runs\.\n\n {2}Now .*, and look at it:\n/);
      assert.equal(script.code, 4, script.err);
      assert.match(script.out, /newleaf install FILE/);
      const csr = (text: string) =>
        /-----BEGIN CERTIFICATE REQUEST-----[^-]+-----END CERTIFICATE REQUEST-----/.exec(text)?.[0] ?? '';
      const person = stage.person(t);
      await person.sees('init waits for it');
      assert.equal(csr(person.transcript), csr(script.out), 'it is the same request');
      assert.match(person.transcript, /\.\. {2}has no leaf yet/, 'as in the first run');
      machine.write('/var/lib/newleaf/inbox/wrong.pem', far.endpoints.issuerPem);
      await person.sees(/NL-LEAF-\w+[^→]*→.*\/var\/lib\/newleaf\/rejected\/wrong\.pem/s);
      machine.write('/var/lib/newleaf/inbox/leaf.pem', await far.issue(csr(person.transcript)));
      await person.sees('Connected to');
      await person.ends(0);
      assert.equal((await machine.newleaf(['init'])).code, 0, 'and that was that: no other key is made');
      assert.equal(machine.sh('ls /var/lib/newleaf/csr | wc -l').trim(), '1');
    });

    test('the daemon, which runs already', async (t) => {
      const { machine, far } = stage;
      assert.equal((await machine.newleaf(['init', ...line()])).code, 0);
      machine.sh('install -d -o newleaf /run/cred && install -o newleaf -m 400 /etc/newleaf/pin /run/cred/hsm-pin');
      const seen = far.log.entries.length;
      const [file = '', ...args] = machine.argv(['newleaf', 'run'], 'newleaf');
      const daemon = spawn(file, args, {
        env: { ...environment(), CREDENTIALS_DIRECTORY: '/run/cred' },
        stdio: 'ignore',
      });
      const ended = once(daemon, 'exit');
      await far.log.waitFor({ event: 'connected' }, 20_000, seen);
      const { code, err } = await machine.newleaf(['init', ...line()]);
      const issued = far.log.count({ event: 'issued' });
      const rolled = await machine.newleaf(['roll', '--wait']);
      assert.equal(rolled.code, 0, rolled.err);
      assert.equal(far.log.count({ event: 'issued' }), issued + 1);
      daemon.kill('SIGTERM');
      await ended;
      assert.equal(code, 1);
      assert.match(
        err.replaceAll(/\s+/g, ' '),
        /NL-DAEMON-RUNS The daemon runs already \(.+\), and init leaves it alone\. -> .*systemctl stop newleaf/,
      );
      const person = stage.person(t, '--ask');
      await person.answers('ID scope', '');
      await person.sees('Registration ID');
      person.interrupts();
      await person.ends(1);
    });

    test('another init, which asks or provisions: it is named, and nothing is touched', async (t) => {
      const { machine } = stage;
      const files = () => machine.sh('find /etc/newleaf /var/lib/newleaf /var/lib/softhsm/tokens | sort');
      const person = stage.person(t, ...line().slice(1));
      await person.answers('Renew', '');
      await person.sees('Name of the new token');
      const before = files();
      for (const options of [
        ['--yes', ...line()],
        ['--yes', '--registration-id', 'gw-0002'],
      ]) {
        const { code, err } = await machine.newleaf(['init', ...options]);
        assert.equal(code, 1, err);
        assert.match(err.replaceAll(/\s+/g, ' '), /NL-DAEMON-RUNS Another init runs on \/var\/lib\/newleaf\./);
        assert.equal(files(), before);
      }
      person.types('\r');
      await person.answers('PIN for it', '');
      await person.ends(0);
      assert.equal((await machine.newleaf(['init'])).code, 0);
    });

    test('a configuration with mistakes: what is right is offered again, and the file is kept', async (t) => {
      const { machine, far } = stage;
      const before = `# mine\n[dps]\nid_scope = "${far.endpoints.idScope}"\nregistration_id = "gw 1"\n[log]\nlevel = "debug"\n`;
      machine.write('/etc/newleaf/newleaf.toml', before);
      const script = await machine.newleaf(['init', ...line()]);
      assert.equal(script.code, 2);
      assert.match(script.err, /newleaf\.toml:4: dps\.registration_id must be/);
      const person = stage.person(t, ...stage.flags.filter((_, at) => at > 1), '--new-token', 'softhsm');
      await person.sees('newleaf.toml:4: dps.registration_id must be');
      await person.answers(`ID scope [${far.endpoints.idScope}]`, '');
      await person.answers('Renew', '');
      await person.answers('Name of the new token', '');
      await person.answers('PIN for it', '');
      await person.ends(0);
      assert.equal(machine.sh('cat /etc/newleaf/newleaf.toml.bak'), before);
      assert.match(machine.sh('cat /etc/newleaf/newleaf.toml'), /level = "debug"/);
    });
  });
}
