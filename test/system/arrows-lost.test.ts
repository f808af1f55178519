import { test } from 'node:test';
import { inside } from '../namespace.ts';
import { assertWell, must, play } from './arrow.ts';
import { LOSSES } from './arrows-lost.ts';
import { APART } from './machine.ts';
import { provisioned } from './site.ts';

/** No pause before a start, and any number of them. */
const HURRY = `[Unit]
StartLimitIntervalSec=0
[Service]
RestartSec=100ms
RestartMaxDelaySec=1s
ExecStopPost=rm -f /run/newleaf/started
`;

if (inside(import.meta.filename, APART)) {
  test('what is lost: every arrow is typed where it is printed, and helps', async (t) => {
    const site = await provisioned(t);
    const { machine } = site;
    await must(machine, 'chown newleaf: /etc/newleaf/est-password; chmod 0600 /etc/newleaf/est-password');
    machine.dropIn(HURRY);
    await machine.must('systemctl', 'daemon-reload');
    await machine.must('systemctl', 'enable', '--now', 'newleaf');
    await assertWell(site);
    for (const loss of LOSSES) {
      await t.test(loss.title, async () => {
        await play(loss, site);
        await assertWell(site);
      });
    }
  });
}
