import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { faultyModule, rv } from '../contract/faulty/faulty.ts';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import { assertAlarmed, assertEnded } from './ended.ts';
import { APART } from './machine.ts';
import { provisioned } from './site.ts';

const AROUND = '/opt/around';
const DROP_IN = `[Service]
Environment=FAULTY_MODULE=/usr/lib/softhsm/libsofthsm2.so FAULTY_DIRECTORY=${AROUND}/faulty
`;

if (inside(import.meta.filename, APART)) {
  test('a token that locks its PIN, as a TPM after losses of power, and opens by itself: newleaf goes on without a person', async (t) => {
    const { far, machine, technician } = await provisioned(t);
    const hsm = faultyModule(join(machine.root, AROUND));
    machine.dropIn(DROP_IN);
    technician.set('module', `"${AROUND}/faulty.so"`);
    hsm.answer('C_Login', rv('CKR_PIN_LOCKED'), -1);
    const look = () => machine.run('systemctl', 'start', 'newleaf-fallback');

    await machine.run('systemctl', 'enable', '--now', 'newleaf');
    await assertEnded(machine, '4', /^NL-TOKEN-PIN-LOCKED .*`newleaf-fallback\.timer` starts the daemon again/);
    await machine.journal.waitFor({ event: 'ended', code: 'NL-TOKEN-PIN-LOCKED' });
    const since = machine.journal.lines.length;
    await assertAlarmed(machine, /It is started again\..*NL-TOKEN-PIN-LOCKED/, look);
    await machine.journal.waitFor({ event: 'ended', code: 'NL-TOKEN-PIN-LOCKED' }, { since });
    await assertEnded(machine, '4', /^NL-TOKEN-PIN-LOCKED /);
    const ends = machine.journal.lines.slice(since).filter(({ event }) => event === 'ended');
    assert.equal(ends.length, 1, 'once for each look of the fallback');

    await machine.must('systemctl', 'disable', 'newleaf');
    await assertAlarmed(machine, /A person is needed.*NL-TOKEN-PIN-LOCKED/, look);
    await machine.must('systemctl', 'enable', 'newleaf');

    hsm.heal();
    const mark = far.log.entries.length;
    await look();
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);

    // Any other token is opened by a person, who then types the command as printed.
    hsm.answer('C_Login', rv('CKR_PIN_LOCKED'), -1);
    await machine.run('systemctl', 'restart', 'newleaf');
    await assertEnded(machine, '4', /^NL-TOKEN-PIN-LOCKED .*then `systemctl restart newleaf`\./);
    hsm.heal();
    const opened = far.log.entries.length;
    await machine.must('systemctl', 'restart', 'newleaf');
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, opened);
  });
}
