import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { EXIT } from '../../agent/failure/exit.ts';
import { failureIn } from './stage/ended.ts';
import { cut, PATIENCE_MS, serving } from './stage/site.ts';

test('a token that is pulled and put back costs restarts, and nothing else', {
  timeout: 4 * PATIENCE_MS,
}, async (t) => {
  const { far, gateway, thumbprint } = await serving(t);
  const { absences } = gateway.token.hsm;
  const [pulled = assert.fail()] = absences;
  const registrations = far.log.registrations();
  await pulled.leave();
  await cut(far);
  assert.equal(await gateway.ended(), EXIT.restart);
  assert.notDeepEqual(gateway.log.matching({ code: 'NL-TOKEN-POISONED' }), [], gateway.log.tail());

  const meanwhile = await gateway.command('run');
  assert.equal(meanwhile.code, EXIT.failed, 'systemd tries again');
  assert.equal(failureIn(meanwhile).code, 'NL-TOKEN-FAILED');

  await pulled.comeBack();
  const since = far.log.entries.length;
  await gateway.start();
  await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
  await gateway.settled();
  assert.equal(far.log.registrations(), registrations, 'the leaf and its key are as they were');
  assert.ok(!existsSync(join(gateway.stateDirectory, 'refused-pin.json')));
});

test('a key that somebody destroys while the gateway serves costs one restart, and is then known as lost', {
  timeout: 4 * PATIENCE_MS,
}, async (t) => {
  const { far, gateway } = await serving(t);
  gateway.token.ask('--delete-object', '--type', 'privkey', '--label', 'newleaf-a');
  await cut(far);
  assert.equal(await gateway.ended(), EXIT.restart);
  await gateway.start();
  await gateway.until(({ trouble }) => trouble?.code === 'NL-TOKEN-KEY');
  assert.equal((await gateway.command('roll', '--wait')).code, EXIT.done);
});
