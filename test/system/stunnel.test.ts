import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE_MS } from '../e2e/stage/site.ts';
import { inside } from '../namespace.ts';
import { losesEngine, NO_STUNNEL } from './engine.ts';
import { APART, isUp } from './machine.ts';
import { provisioned } from './site.ts';

if (inside(import.meta.filename, APART)) {
  test('OpenSSL without its engine: TLS by stunnel, in the sandbox of the unit', async (t) => {
    const { far, machine } = await provisioned(t);
    if (!losesEngine(machine)) return t.skip(NO_STUNNEL);
    const mark = far.log.entries.length;
    await machine.must('systemctl', 'start', 'newleaf');
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
    const roll = await machine.run('newleaf', 'roll', '--wait');
    assert.equal(roll.code, 0, `${roll.out}${roll.err}`);
    const { MainPID = '' } = await machine.until(isUp);
    // The former session's stunnel has a second to end.
    await machine.must(
      'timeout',
      '10',
      'sh',
      '-c',
      `until [ "$(pgrep --count --parent ${MainPID} stunnel)" = 1 ]; do sleep 0.1; done`,
    );
    const check = await machine.run('newleaf', 'check');
    assert.equal(check.code, 0, check.out);
    assert.match(check.out, /^ok +tls-engine .*stunnel/m);
  });
}
