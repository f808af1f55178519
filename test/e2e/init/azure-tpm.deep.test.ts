import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Swtpm } from '../../contract/tpm/swtpm.ts';
import { insideNetworkNamespace } from '../../namespace.ts';
import { Stage } from './stage.ts';

const DAY = 86_400_000;

if (insideNetworkNamespace(import.meta.filename)) {
  suite('newleaf init on a gateway that DPS knows by its TPM, and whose leaves Azure issues', () => {
    let stage: Stage;
    let swtpm: Swtpm;
    before(async () => {
      stage = await Stage.open({ issuingEnrollments: 'all' });
      swtpm = Swtpm.start();
    });
    after(async () => {
      await swtpm[Symbol.asyncDispose]();
      await stage.close();
    });

    test('it shows the endorsement key, and waits until that is enrolled with a policy; another init changes nothing', async (t) => {
      const { far, machine } = stage;
      await far.createPolicy('monthly', 30 * DAY);
      const flags = stage.flags.slice(0, stage.flags.indexOf('--issuer'));
      const line = [...flags, '--issuer', 'azure', '--onboarding-tpm', swtpm.device, '--new-token', 'softhsm'];
      const both = await machine.newleaf(['init', '--yes', ...line, '--onboarding-key', 'pkcs11:object=factory']);
      assert.match(both.err, /--onboarding-key excludes --onboarding-tpm\./);
      const script = await machine.newleaf(['init', '--yes', ...line]);
      assert.equal(script.code, 4, `${script.out}${script.err}`);
      const endorsementKey = /Endorsement key +(\S+)/.exec(script.out)?.[1] ?? '';
      assert.match(
        script.out,
        /az iot dps enrollment create .*--attestation-type tpm .* --adr-cert-policy-name POLICY/,
      );

      const person = stage.person(t);
      await person.sees('does not accept this TPM yet');
      await person.sees('Waiting for the operator');
      await far.enrollIndividual({
        registrationId: 'gw-0001',
        tpm: { endorsementKey },
        certificatePolicy: { policy: 'monthly' },
      });
      person.types('\r');
      await person.sees('Connected to');
      await person.ends(0);
      t.diagnostic(`\n${person.transcript}`);
      assert.equal((await machine.newleaf(['init', '--yes', '--ask'])).code, 0);
      const toml = machine.sh('cat /etc/newleaf/newleaf.toml');
      assert.match(toml, /\[onboarding\]\ntpm = "127\./);
      assert.doesNotMatch(toml, /onboarding\.pem|newleaf-onboarding/);
    });
  });
}
