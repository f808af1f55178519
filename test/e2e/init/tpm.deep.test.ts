import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import { Stage } from './stage.ts';

const TEMPLATE = readFileSync(join(import.meta.dirname, '..', '..', '..', 'systemd', 'tpm.conf'), 'utf8');

/** What systemd says of the unit: its environment, with that of the drop-ins. Each call of it is noted. */
const SYSTEMCTL = `#!/bin/sh
echo "$*" >>/run/systemctl.log
[ "$1" = show ] || exit 0
printf 'LoadState=loaded\\nSupplementaryGroups=\\nEnvironment=MALLOC_ARENA_MAX=1 %s\\n' \\
  "$(sed -n 's/^Environment=//p' /etc/systemd/system/newleaf.service.d/*.conf 2>/dev/null | tr '\\n' ' ')"
`;

if (insideNetworkNamespace(import.meta.filename)) {
  suite('newleaf init with a module for the TPM, and the unit of the daemon', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
      const { machine } = stage;
      // SoftHSM in its clothes: what matters here is who may use it, and by which environment.
      machine.sh('mkdir -p /usr/lib/pkcs11 && cp /usr/lib/softhsm/libsofthsm2.so /usr/lib/pkcs11/libtpm2_pkcs11.so');
      machine.write('/usr/bin/systemctl', SYSTEMCTL, 0o755);
      machine.sh('mkdir -p /usr/share/newleaf');
      machine.write('/usr/share/newleaf/tpm.conf', TEMPLATE);
    });
    after(() => stage.close());

    test('the unit is given the TPM before the token is made, and its environment holds for init as well', async () => {
      const { machine } = stage;
      const { code, out, err } = await machine.newleaf(['init', '--yes', ...stage.flags, '--new-token', 'tpm']);
      assert.equal(code, 0, `${out}${err}`);
      assert.match(out, /The daemon may use the TPM:\s+\/etc\/systemd\/system\/newleaf\.service\.d\/tpm\.conf/);
      assert.equal(machine.sh('cat /etc/systemd/system/newleaf.service.d/tpm.conf'), TEMPLATE);
      assert.match(machine.sh('cat /run/systemctl.log'), /^daemon-reload$/m);
      assert.match(machine.sh('cat /etc/newleaf/newleaf.toml'), /module = "\/usr\/lib\/pkcs11\/libtpm2_pkcs11\.so"/);
      assert.equal(machine.sh('stat -c "%U %a" /var/lib/newleaf/tpm2_pkcs11'), 'newleaf 700\n');
      assert.equal(stage.rootsOwn(), '');
    });

    test('a token that is there already is found where it is: its store is not moved', async () => {
      const { machine } = stage;
      machine.sh('rm -r /etc/systemd/system/newleaf.service.d /etc/newleaf/newleaf.toml');
      const { code, out, err } = await machine.newleaf(['init', '--yes', ...stage.flags, '--token', 'newleaf']);
      assert.equal(code, 0, `${out}${err}`);
      const dropIn = machine.sh('cat /etc/systemd/system/newleaf.service.d/tpm.conf');
      assert.match(dropIn, /^DeviceAllow=\/dev\/tpmrm0 rw$/m);
      assert.doesNotMatch(dropIn, /^Environment=TPM2_PKCS11_STORE/m);
    });

    test('what root has in its environment is not what the daemon will have', async () => {
      const { machine } = stage;
      machine.sh('mkdir /root/tokens && echo directories.tokendir = /root/tokens >/root/softhsm2.conf');
      const { code, err } = await machine.newleaf(['init'], '', { SOFTHSM2_CONF: '/root/softhsm2.conf' });
      assert.equal(code, 0, err);
    });
  });
}
