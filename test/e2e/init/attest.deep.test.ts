import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { Swtpm } from '../../contract/tpm/swtpm.ts';
import { insideNetworkNamespace } from '../../namespace.ts';
import { Stage } from './stage.ts';

if (insideNetworkNamespace(import.meta.filename)) {
  suite('newleaf init on a gateway that attests by its TPM', () => {
    let stage: Stage;
    let swtpm: Swtpm;
    before(async () => {
      stage = await Stage.open();
      swtpm = Swtpm.start();
    });
    after(async () => {
      await swtpm[Symbol.asyncDispose]();
      await stage.close();
    });

    test('it asks for no token and no issuer, shows the endorsement key, and waits until that is enrolled', async (t) => {
      const { far, machine } = stage;
      const flags = stage.flags.slice(0, stage.flags.indexOf('--issuer'));
      const line = ['--yes', ...flags, '--attestation', 'tpm', '--tpm-device', swtpm.device];
      const script = await machine.newleaf(['init', ...line]);
      assert.equal(script.code, 4, `${script.out}${script.err}`);
      const endorsementKey = /Endorsement key +(\S+)/.exec(script.out)?.[1] ?? '';
      assert.match(script.out, /az iot dps enrollment create .*--attestation-type tpm/);

      const person = stage.person(t);
      await person.sees('Waiting for the operator');
      await far.enrollIndividual({ registrationId: 'gw-0001', tpm: { endorsementKey } });
      person.types('\r');
      await person.sees('Connected to');
      await person.ends(0);
      t.diagnostic(`\n${person.transcript}`);
      assert.equal((await machine.newleaf(['init'])).code, 0);
      assert.doesNotMatch(machine.sh('cat /etc/newleaf/newleaf.toml'), /\[hsm\]|\[leaf\]/);
      assert.equal(machine.sh('find /var/lib/newleaf /run/newleaf -mindepth 1 -user root'), '');
    });
  });
}
