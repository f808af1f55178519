import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import { plugIn as plugInTpm } from './chip.ts';
import { APART } from './machine.ts';
import { debOf, provisioned, site } from './site.ts';

const BUNDLE = '/root/bundle.tar.gz';

/** Debian 12 has Node 18. */
const isTooOld = process.env.NEWLEAF_TEST_SUITE === 'bookworm';

if (inside(import.meta.filename, APART)) {
  if (isTooOld) {
    test('the package that runs with nodejs is refused where that is too old', async (t) => {
      const { technician } = await site(t);
      await assert.rejects(technician.install(debOf('deb-nodejs')), /nodejs \(>= 20\.19\)/);
    });
  } else {
    test("with Debian's own nodejs root's commands work, as the user of the daemon", async (t) => {
      const { far, machine, technician } = await provisioned(t, undefined, 'deb-nodejs');
      await assert.rejects(machine.must('test', '-e', '/usr/lib/newleaf/node'), 'it has no Node of its own');
      const mark = far.log.entries.length;
      await machine.must('systemctl', 'enable', '--now', 'newleaf');
      await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);

      await t.test('check, and the bundle has what it says', async () => {
        assert.match(await machine.must('newleaf', 'check'), /, 1 skipped, 0 failed\n$/);
        await machine.must('newleaf', 'support-bundle', '-o', BUNDLE);
        const said = await machine.must('tar', '-xzOf', BUNDLE, '--wildcards', '*/check.json');
        assert.equal(JSON.parse(said).counts.failed, 0);
      });

      await t.test("what init has left is the daemon's: it rolls", async () => {
        const strangers = ['/var/lib/newleaf', '/run/newleaf', '/var/lib/softhsm/tokens', '-mindepth', '1'];
        assert.equal(await machine.must('find', ...strangers, '!', '-user', 'newleaf'), '');
        await machine.must('newleaf', 'roll', '--wait');
      });

      await t.test('decommission', async () => {
        await machine.must('systemctl', 'disable', '--now', 'newleaf');
        const pin = technician.pin.trim();
        await machine.must('newleaf', 'decommission', '--yes');
        const objects = ['--module', '/usr/lib/softhsm/libsofthsm2.so', '--login', '--pin', pin, '--list-objects'];
        assert.equal(await machine.must('pkcs11-tool', ...objects), '');
      });
    });

    test('and they may use a TPM', async (t) => {
      const { machine } = await provisioned(t, plugInTpm, 'deb-nodejs');
      assert.match(await machine.must('newleaf', 'check', 'pin'), /^ok +pin /m);
      await machine.must('newleaf', 'decommission', '--yes');
    });
  }
}
