import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import type { Ended } from '../stage/gateway.ts';
import { Stage } from './stage.ts';

const plain = ({ out, err }: Ended) => (out + err).replaceAll(/\s+/g, ' ');

if (insideNetworkNamespace(import.meta.filename)) {
  suite('/etc/newleaf is lost, and state and token are there', () => {
    let stage: Stage;
    const init = (...options: readonly string[]) => stage.machine.newleaf(['init', '--yes', ...options]);
    before(async () => {
      stage = await Stage.open();
    });
    after(() => stage.close());

    test('it is said, no other token is made, and the printed command goes on with leaf and token', async () => {
      const { machine, far, flags } = stage;
      const first = await init(...flags, '--new-token', 'softhsm', '--token', 'plant');
      assert.equal(first.code, 0, first.out + first.err);
      const issued = far.log.count({ event: 'issued' });
      machine.sh(
        'cp -a /etc/newleaf/pin /root/pin; mkdir /root/kept; cp -a /etc/newleaf/*.pem /etc/newleaf/given-password /root/kept; rm -rf /etc/newleaf/*',
      );

      for (const command of ['status', 'check', 'roll']) {
        const told = plain(await machine.newleaf([command]));
        assert.match(
          told,
          /this gateway has a leaf .*: its configuration is lost\. .*Without a backup: `?newleaf init/,
          command,
        );
      }
      machine.sh('cp -a /root/kept/* /etc/newleaf');
      const site = flags.filter((_, at) => at > 5);
      const refused = await init(...site, '--new-token', 'softhsm');
      assert.equal(refused.code, 2, plain(refused));
      assert.match(
        plain(refused),
        /there is a leaf: CN gw-0001, .* token "plant", which is here: no other one is made .*--pin-file/,
      );
      assert.equal(machine.sh('ls /var/lib/softhsm/tokens | wc -l').trim(), '1');

      const again = await init(...site, '--pin-file', '/root/pin');
      assert.equal(again.code, 0, plain(again));
      assert.match(machine.sh('cat /etc/newleaf/newleaf.toml'), /registration_id = "gw-0001"/);
      assert.equal(far.log.count({ event: 'issued' }), issued, 'the leaf is the same');
    });
  });
}
