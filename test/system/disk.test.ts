import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import { APART, isUp } from './machine.ts';
import { provisioned } from './site.ts';

const STATE = '/var/lib/newleaf';

if (inside(import.meta.filename, APART)) {
  test('it starts on a full disk, serves, and rolls when there is room again', async (t) => {
    const { far, machine } = await provisioned(t);
    const small = `mount -t tmpfs -o size=256k,mode=750,uid=newleaf,gid=newleaf small ${STATE}`;
    await machine.must('sh', '-c', `cp -a ${STATE} /saved && ${small} && cp -a /saved/. ${STATE}`);
    assert.notEqual((await machine.run('dd', 'if=/dev/zero', `of=${STATE}/filling`, 'bs=1k')).code, 0);
    const mark = far.log.entries.length;

    await machine.must('systemctl', 'start', 'newleaf');
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
    const { code, err } = await machine.run('newleaf', 'roll', '--wait');
    assert.equal(code, 1);
    assert.match(err, /NL-STATE-WRITE/);
    const unit = await machine.show();
    assert.ok(isUp(unit));
    assert.equal(unit.NRestarts, '0');

    await machine.must('rm', `${STATE}/filling`);
    await machine.must('newleaf', 'roll', '--wait');
  });
}
