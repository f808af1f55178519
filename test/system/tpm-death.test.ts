import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inside } from '../namespace.ts';
import { plugIn } from './chip.ts';
import { APART } from './machine.ts';
import { provisioned } from './site.ts';
import { assertBack, killInHandshake } from './token-death.ts';

if (inside(import.meta.filename, APART)) {
  for (const unit of ['swtpm', 'tpm2-abrmd']) {
    test(`${unit} dies in the middle of a handshake: hands off, it heals`, async (t) => {
      const site = await provisioned(t, plugIn);
      const { far, machine } = site;
      const before = await killInHandshake(site, unit);
      const { reason } = await machine.journal.waitFor({ event: 'ended' });
      assert.equal(reason, 'restart');
      await machine.journal.waitFor({ event: 'resting' });
      const { out } = await machine.run('newleaf', 'status');
      assert.match(
        out.replaceAll(/\s+/g, ' '),
        /It ended .*NL-TOKEN-POISONED .* check the token and its daemon with `newleaf check`\./,
      );
      await machine.must('systemctl', 'start', 'tpm2-abrmd');
      await assertBack(t, site, before, far.log.entries.length);
    });
  }
}
