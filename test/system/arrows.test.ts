import { test } from 'node:test';
import { inside } from '../namespace.ts';
import { assertWell, must, play } from './arrow.ts';
import { SITUATIONS } from './arrows.ts';
import { APART } from './machine.ts';
import { provisioned } from './site.ts';

if (inside(import.meta.filename, APART)) {
  test('every arrow is typed where it is printed, and helps', async (t) => {
    const site = await provisioned(t);
    const { machine } = site;
    await machine.must('systemctl', 'enable', '--now', 'newleaf');
    await assertWell(site);
    await must(machine, 'chown newleaf: /etc/newleaf/est-password; chmod 0600 /etc/newleaf/est-password');
    await must(machine, 'useradd ines; newleaf uplink add sensors');
    for (const situation of SITUATIONS) {
      await t.test(situation.title, async () => {
        await play(situation, site);
        await assertWell(site);
      });
    }
  });
}
