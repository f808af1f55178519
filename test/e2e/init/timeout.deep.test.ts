import assert from 'node:assert/strict';
import { after, before, beforeEach, suite, test } from 'node:test';
import { insideNetworkNamespace } from '../../namespace.ts';
import type { FaultName } from '../../simulator/faults.ts';
import type { ServerName } from '../../simulator/log.ts';
import { Stage } from './stage.ts';

if (insideNetworkNamespace(import.meta.filename)) {
  suite('newleaf init --yes always ends', () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.open();
    });
    beforeEach(() => stage.reset());
    after(() => stage.close());
    const line = () => ['--yes', ...stage.flags, '--new-token', 'softhsm'];
    /** The last of two values of an option counts. */
    const init = async (...options: readonly string[]) => {
      const from = performance.now();
      const { code, out, err } = await stage.machine.newleaf(['init', ...line(), ...options]);
      const tookMs = performance.now() - from;
      return { code, tookMs, out, err: err.replaceAll(/\s+/g, ' ') };
    };

    const servers: readonly (readonly [server: ServerName, fault: FaultName, said: RegExp])[] = [
      ['dps', 'port-closed', /NL-DPS-UNREACHABLE .* -> Check .*newleaf init` again, or start the daemon: it goes on/],
      ['est', 'est-hang', /Not finished in time: waiting for the issuer .* -> Run `newleaf init` again/],
      ['hub1', 'port-closed', /NL-HUB-UNREACHABLE .* -> Check .*newleaf init` again/],
    ];
    for (const [server, fault, said] of servers) {
      test(`${server}, ${fault}: within the time given, with the last failure; the next call goes on`, async () => {
        await stage.far.lay(server, fault);
        const { code, tookMs, err } = await init('--timeout', '5s');
        await stage.far.lift(server);
        assert.equal(code, 1, err);
        assert.match(err, said);
        assert.ok(tookMs < 15_000, `${tookMs}`);
        const again = await init();
        assert.equal(again.code, 0, `${again.out}${again.err}`);
        assert.equal(stage.far.log.count({ event: 'issued' }) > 0, true);
      });
    }

    test('a wrong ID scope', async () => {
      const { code, err } = await init('--id-scope', '0ne00000001', '--timeout', '5s');
      assert.equal(code, 1);
      assert.match(err, /NL-DPS-SCOPE .* -> If it lasts, check dps\.id_scope\./);
      assert.equal((await init()).code, 0, 'the right one goes on from there');
    });

    test('also while it waits for a person, where it is told how long', async () => {
      await stage.far.removeEnrollment('gateways');
      const { code, out, err } = await init('--wait', '--timeout', '5s');
      assert.equal(code, 4, err);
      assert.match(out, /Waiting for the operator/);
      assert.match(err, /NL-DPS-401002/);
      await stage.far.enrollGroup({ groupId: 'gateways', primary: stage.far.endpoints.issuerPem });
    });

    test('a module that hangs: its process is killed', async () => {
      const { machine } = stage;
      assert.equal((await init()).code, 0);
      const source = '#include <unistd.h>\n__attribute__((constructor)) static void hang(void) { for (;;) pause(); }';
      machine.sh('cc -shared -fPIC -x c -o /usr/lib/hangs.so -', source);
      machine.sh('sed -i "s,^module = .*,module = \\"/usr/lib/hangs.so\\"," /etc/newleaf/newleaf.toml');
      const from = performance.now();
      const { code, err } = await machine.newleaf(['init', '--yes', '--timeout', '2s']);
      machine.sh('rm /usr/lib/hangs.so');
      assert.equal(code, 1, err);
      assert.match(err.replaceAll(/\s+/g, ' '), /did not end in time, and was killed: a PKCS#11 module hangs\./);
      assert.ok(performance.now() - from < 25_000);
    });

    test('a time that is none', async () => {
      for (const time of ['soon', '0s', '30day']) {
        const { code, err } = await init('--timeout', time);
        assert.equal(code, 2);
        assert.match(err, /--timeout must be a duration/);
      }
    });

    test('what is given is tried before it is written, also where DPS does not admit the first leaf yet', async () => {
      await stage.far.setStatus('gateways', 'disabled');
      assert.equal((await init()).code, 4);
      const { code, err } = await init('--est-url', 'https://localhost:9/.well-known/est');
      await stage.far.setStatus('gateways', 'enabled');
      assert.match(err, /NL-EST-UNREACHABLE/);
      assert.equal(code, 1);
    });
  });
}
