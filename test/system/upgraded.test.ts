import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WORDS } from '../../agent/roll/report.ts';
import { inside } from '../namespace.ts';
import { APART, isOnline, isUp, type Machine } from './machine.ts';
import { debOf, later, provisioned } from './site.ts';

/** What `status` says, which must end with 0: the current leaf serves all the while. */
const told = async (machine: Machine) => JSON.parse(await machine.must('newleaf', 'status', '--json'));

if (inside(import.meta.filename, APART)) {
  test('the package is upgraded, and downgraded, in the middle of a roll', async (t) => {
    const { far, machine, technician } = await provisioned(t);
    await machine.must('systemctl', 'enable', '--now', 'newleaf');
    await machine.until(isOnline);

    for (const [what, deb] of [
      ['upgraded', later(t, debOf())],
      ['downgraded', debOf()],
    ] as const) {
      await t.test(`${what}: the other one goes on with the roll, at the price of no leaf`, async () => {
        const { leaf } = await told(machine);
        const { MainPID } = await machine.show();
        const mark = far.log.entries.length;
        await far.lay('est', 'est-hang');
        await machine.must('newleaf', 'roll');
        await machine.until(({ StatusText }) => StatusText?.startsWith('waiting for the issuer') === true);

        await technician.install(deb);
        const after = await machine.until((unit) => isUp(unit) && isOnline(unit));
        assert.notEqual(after.MainPID, MainPID, 'it is the other one that runs');
        const meanwhile = await told(machine);
        assert.deepEqual([meanwhile.online, meanwhile.wrong], [true, []]);
        assert.equal(meanwhile.leaf.thumbprint, leaf.thumbprint);

        await far.lift('est', 'est-hang');
        await machine.must('newleaf', 'roll', '--wait');
        const { leaf: next, online, wrong } = await told(machine);
        assert.notEqual(next.thumbprint, leaf.thumbprint);
        assert.deepEqual([online, wrong], [true, []]);
        assert.equal(far.log.since(mark).filter(({ event }) => event === 'issued').length, 1, 'one leaf');
        // The request has ended; the key before goes after that.
        await machine.until(({ StatusText }) => StatusText?.startsWith(WORDS.serving) === true);
        const pin = technician.pin.trim();
        const module = '/usr/lib/softhsm/libsofthsm2.so';
        const objects = ['--module', module, '--login', '--pin', pin, '--list-objects', '--type', 'privkey'];
        const keys = (await machine.must('pkcs11-tool', ...objects)).match(/label: +newleaf-[ab]/g);
        assert.equal(keys?.length, 1, 'the key before is destroyed');
      });
    }
  });
}
