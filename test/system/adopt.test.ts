import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openHub, register } from '../clients/device.ts';
import { inside } from '../namespace.ts';
import { APART, isUp } from './machine.ts';
import { debOf, site } from './site.ts';

const ID = 'gw-0001';

/** Its packages are not to be had here: a unit with its name, which does nothing. */
const UNIT = '[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n';

if (inside(import.meta.filename, APART)) {
  test('a gateway of aziot-identity-service moves in, and could go back until the first roll', async (t) => {
    const { far, machine, technician } = await site(t);
    const { dps, idScope, est, estCaPem, estUsername, estPassword, trustPem } = far.endpoints;
    const old = await far.clientIdentity(ID);
    machine.write('/usr/lib/systemd/system/aziot-identityd.service', UNIT);
    machine.write('/etc/newleaf-trust.pem', trustPem);
    machine.write('/var/secrets/device-id.pem', old.cert, 0o600);
    machine.write('/var/secrets/device-id.key.pem', old.key, 0o600);
    machine.write('/var/secrets/est-id-ca.pem', estCaPem, 0o600);
    // As aziotctl/config/unix/template.toml of Azure/iot-identity-service has it, and what `config apply` makes of it.
    machine.write(
      '/etc/aziot/config.toml',
      `hostname = "my-device"

[provisioning]
source = "dps"
global_endpoint = "https://${dps}/"
id_scope = "${idScope}"

[provisioning.attestation]
method = "x509"
registration_id = "${ID}"
identity_pk = "file:///var/secrets/device-id.key.pem"
identity_cert = "file:///var/secrets/device-id.pem"

[cert_issuance.est]
trusted_certs = [
    "file:///var/secrets/est-id-ca.pem",
]

[cert_issuance.est.auth]
username = "${estUsername}"
password = "${estPassword}"

[cert_issuance.est.urls]
default = "${est}"
`,
      0o600,
    );
    machine.write('/etc/aziot/keyd/config.d/00-super.toml', '[[principal]]\nuid = 5556\nkeys = ["device-id"]\n', 0o600);
    machine.write('/etc/aziot/identityd/config.d/app.toml', '[[principal]]\nuid = 1000\nname = "app"\n', 0o600);
    await machine.must('systemctl', 'daemon-reload');
    await machine.must('systemctl', 'start', 'aziot-identityd');
    await technician.install(debOf());
    const { assignedHub: hub } = (await register(far.endpoints, ID, old)) as unknown as { assignedHub: string };
    const line = ['--adopt', 'aziot', '--new-token', 'softhsm', '--trust-ca', '/etc/newleaf-trust.pem'];
    const init = () => machine.run('newleaf', 'init', '--yes', ...line);
    const connects = async () => (await openHub(far.endpoints, hub, ID, old)).close();

    await t.test('while it runs, everything is made ready, and the cloud is not asked', async () => {
      const mark = far.log.entries.length;
      const { code, out, err } = await init();
      assert.equal(code, 2, `${out}${err}`);
      assert.match(out.replaceAll(/\s+/g, ' '), /does not take over: !! what the programs of .*app\.toml get from it/);
      assert.match(
        err.replaceAll(/\s+/g, ' '),
        /aziot-identityd still runs.*`sudo aziotctl system stop`, `sudo systemctl mask/,
      );
      assert.deepEqual(far.log.since(mark), []);
    });

    await t.test('it is stopped, and newleaf serves with its leaf', async () => {
      const mark = far.log.entries.length;
      await machine.must('systemctl', 'stop', 'aziot-identityd');
      await machine.must('systemctl', 'mask', 'aziot-identityd');
      const { code, out, err } = await init();
      assert.equal(code, 0, `${out}${err}`);
      t.diagnostic(out);
      const seen = far.log.since(mark);
      assert.deepEqual(
        seen.flatMap(({ event, thumbprint }) => (event === 'register' ? [thumbprint] : [])),
        [old.thumbprint],
      );
      assert.deepEqual(
        seen.filter(({ event, code: answer = 0 }) => event === 'refused' || (event === 'connack' && answer !== 0)),
        [],
      );
    });

    await t.test('the way back: its leaf works as before, with no call to DPS', async () => {
      await machine.must('systemctl', 'unmask', 'aziot-identityd');
      await machine.must('systemctl', 'start', 'aziot-identityd');
      await connects();
      await machine.must('systemctl', 'stop', 'aziot-identityd');
      await machine.must('systemctl', 'mask', 'aziot-identityd');
    });

    await t.test('the first roll ends the way back; files of others stay', async () => {
      await machine.must('systemctl', 'enable', '--now', 'newleaf');
      await machine.until(isUp);
      const { code, out, err } = await machine.run('newleaf', 'roll', '--wait');
      assert.equal(code, 0, `${out}${err}`);
      await assert.rejects(connects());
      assert.equal(await machine.must('cat', '/var/secrets/device-id.key.pem'), old.key);
      const mark = far.log.entries.length;
      await machine.reboot();
      await machine.until(isUp);
      await far.log.waitFor({ event: 'connected' }, 30_000, mark);
    });
  });
}
