import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import { Stage } from './stage.ts';

if (insideNetworkNamespace(import.meta.filename)) {
  suite('somebody without any knowledge of PKCS#11 in front of a new gateway', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
    });
    beforeEach(() => stage.reset());
    after(() => stage.close());

    test('answers what is asked, sees green, and leaves', async (t) => {
      const person = stage.person(t);
      for (const [question, answer] of stage.answers) await person.answers(question, answer);
      await person.sees('Connected to');
      await person.ends(0);
      t.diagnostic(`\n${person.transcript}`);
      const { transcript } = person;
      for (const words of [
        '1 of 3: Which gateway is this?',
        'ok  localhost:',
        'ok  The EST server answers.',
        'ok  The EST server knows this gateway.',
        'ok  Token "newleaf" is made. Its PIN is in /etc/newleaf/pin',
        'ok  Token "newleaf" accepts the PIN',
        'Provisioning gw-0001',
        'CN           gw-0001',
        'certificate  /var/lib/newleaf/leaf.pem',
      ]) {
        assert.ok(transcript.includes(words), `"${words}" is missing in:\n${transcript}`);
      }
      assert.ok(!transcript.includes(stage.far.endpoints.estPassword), 'the password is not shown');
      const pin = stage.machine.sh('cat /etc/newleaf/pin').trim();
      assert.match(pin, /^[0-9a-f]{30}$/);
      assert.ok(!transcript.includes(pin), 'the PIN is not shown');
      assert.equal(stage.rootsOwn(), '');
      assert.deepEqual(
        stage.machine
          .sh('cd /etc/newleaf && stat -c "%n %U %a" newleaf.toml pin so-pin est-password')
          .trim()
          .split('\n'),
        ['newleaf.toml root 644', 'pin root 600', 'so-pin root 600', 'est-password newleaf 600'],
      );
      assert.doesNotMatch(stage.machine.sh('cat /etc/newleaf/newleaf.toml'), /pin_file/);
      assert.equal(stage.machine.sh('ls /etc/newleaf | grep draft || true'), '');
      const seen = stage.far.log.matching({ event: 'connected' }).at(-1)?.thumbprint;
      assert.ok(
        seen !== undefined && transcript.replaceAll(/\s/g, '').includes(seen),
        'the leaf that is shown is the one that the hub has seen',
      );
    });

    test('who is asked again presses Enter, and everything stays as it is', async (t) => {
      const { machine } = stage;
      const first = await machine.newleaf(['init', '--yes', ...stage.flags, '--new-token', 'softhsm']);
      assert.equal(first.code, 0, first.err);
      const files = () => machine.sh('cd /etc/newleaf && sha256sum *; ls');
      const before = files();
      const person = stage.person(t, '--ask');
      for (const question of [
        'ID scope',
        'Registration',
        'DPS endpoint',
        'Which one [1]',
        'URL',
        'File with',
        'Which one [1]',
      ]) {
        await person.answers(question, '');
      }
      await person.answers('User name', '');
      await person.answers('Enter: the one in /etc/newleaf/given-password', '');
      await person.answers('Renew', '');
      await person.answers(/1 {2}token "newleaf".*Which one \[1\]/s, '');
      await person.sees('accepts the PIN (the one in /etc/newleaf/pin)');
      await person.ends(0);
      assert.equal(files(), before);
    });

    test('who types nonsense is told so at once, in the words of the schema, and asked again', async (t) => {
      const { endpoints: at } = stage.far;
      const person = stage.person(t);
      const wrong: readonly (readonly [string, string, string, string])[] = [
        ['ID scope', '0ne 000', 'letters and digits', at.idScope],
        ['Registration ID', 'gw 0001', '1 to 64 letters', 'gw-0001'],
        ['DPS endpoint', 'https://dps', 'without a scheme', at.dps],
        ['Name another file', 'perhaps', 'must be yes or no', 'y'],
        ['File with the CAs of DPS', '', 'Go on all the same', 'no'],
      ];
      for (const [question, nonsense, words, right] of wrong) {
        await person.answers(question, nonsense);
        await person.sees(words);
        if (question !== 'File with the CAs of DPS') await person.answers(question.slice(0, 8), right);
      }
      person.types('no\r');
      await person.answers('DPS endpoint', '');
      await person.answers('Name another file', '');
      await person.answers('File with the CAs of DPS', '/etc/newleaf/trust.pem');
      await person.answers('Which one', '7');
      await person.sees('must be a number from 1 to 5');
      await person.answers('Which one', 'command');
      await person.answers('Program and its', '/nowhere/sign --fast');
      await person.sees('/nowhere/sign is not there');
      await person.answers('Program and its', '/bin/false "two words"');
      await person.answers('Renew a leaf at', '2hour');
      await person.sees('must leave at least 3hour');
      await person.answers('Renew a leaf at', '5day');
      await person.answers('Which one', '1');
      await person.answers('Name of the new token', 'x'.repeat(33));
      await person.sees('1 to 32 bytes');
      await person.answers('Name of the new token', 'gate way');
      await person.answers('PIN for it', '12');
      await person.sees('must be 4 to 255 characters long');
      await person.answers('PIN for it', '271828');
      await person.sees('NL-CMD-WAIT');
      person.interrupts();
      await person.sees('Nothing is lost');
      await person.ends(1);
      const written = stage.machine.sh('cat /etc/newleaf/newleaf.toml');
      for (const line of ['argv = ["/bin/false", "two words"]', 'renew_at = "5day"', 'token = "gate way"']) {
        assert.ok(written.includes(line), written);
      }
      assert.ok(!person.transcript.includes('271828'));
    });
  });
}
