import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratch } from '../unit/state/disk.ts';
import { serving } from './stage/site.ts';

test('a state from before two rolls is put back: a roll gets a leaf again, and the key that the records do not know has a way out', async (t) => {
  const { far, gateway } = await serving(t);
  const { token, stateDirectory, configuration } = gateway;
  const saved = join(scratch(t), 'saved');
  await gateway.stop();
  cpSync(stateDirectory, saved, { recursive: true });
  await gateway.start();
  for (const slot of ['b', 'a']) {
    assert.equal((await gateway.command('roll', '--wait')).code, 0);
    assert.equal((await gateway.settled()).leaf?.slot, slot);
  }
  await gateway.stop();
  rmSync(stateDirectory, { recursive: true });
  cpSync(saved, stateDirectory, { recursive: true });

  const since = far.log.registrations();
  await gateway.start();
  await gateway.until(({ trouble }) => trouble?.code === 'NL-TOKEN-KEY');
  // Without a person the roll begins by itself, after a quarter of an hour.
  assert.equal((await gateway.command('roll', '--wait')).code, 0);
  const { leaf } = await gateway.settled();
  assert.deepEqual([leaf?.slot, far.log.registrations() - since], ['b', 1]);
  assert.deepEqual(token.privateKeys().toSorted(), ['newleaf-a', 'newleaf-b']);

  const said = await gateway.until(({ trouble }) => trouble?.code === 'NL-TOKEN-OCCUPIED');
  assert.match(said.trouble?.message ?? '', /^newleaf-a holds a key, and the records of newleaf do not say/);
  assert.match(
    said.trouble?.advice ?? '',
    /another name: hsm\.label_prefix.*`systemctl restart newleaf` and `newleaf roll --wait`/,
  );
  for (const command of ['status', 'check']) {
    const { out, err } = await gateway.command(command);
    assert.match(`${out}${err}`, /NL-TOKEN-OCCUPIED|newleaf-a holds a key/, command);
  }
  await gateway.stop();
  gateway.configure([readFileSync(configuration, 'utf8'), 'hsm.label_prefix = "gw"']);
  await gateway.start();
  assert.equal((await gateway.command('roll', '--wait')).code, 0);
  assert.equal((await gateway.settled()).trouble, undefined);
  const { code, err } = await gateway.command('status');
  assert.equal(code, 0, err);
});
