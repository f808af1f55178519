import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PATIENCE_MS, site } from './stage/site.ts';

for (const cure of ['systemctl restart newleaf', 'newleaf roll --wait']) {
  test(`a wrong EST password at the first provisioning: once it is right, \`${cure}\`, as printed, brings the first leaf`, async (t) => {
    const { far, gateway } = await site(t);
    const file = join(gateway.directory, 'est-password');
    writeFileSync(file, 'wrong');
    await gateway.start();
    await gateway.until(({ next }) => next?.trouble?.code === 'NL-EST-AUTH');
    for (const command of ['status', 'check'] as const) {
      const { out, err } = await gateway.command(command);
      const told = (out + err).replaceAll(/\s+/g, ' ');
      assert.ok(told.includes(`\`${cure}\``), told);
      assert.match(told, /newleaf asks again by itself in [45] min/);
    }
    writeFileSync(file, far.endpoints.estPassword);
    const since = far.log.entries.length;
    if (cure === 'newleaf roll --wait') assert.equal((await gateway.command('roll', '--wait')).code, 0);
    else {
      await gateway.stop();
      await gateway.start();
    }
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
    await gateway.settled();
  });
}
