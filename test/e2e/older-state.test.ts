import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { scratch } from '../unit/state/disk.ts';
import { serving } from './stage/site.ts';

const SITUATIONS: readonly (readonly [rolls: number, next: string, stranger: string])[] = [
  [1, 'a', 'newleaf-b'],
  [2, 'b', 'newleaf-a'],
];
/** Its state is from so many rolls ago; the last leaf is stored beside its key. */
async function putBack(t: TestContext, rolls: number) {
  const { far, gateway } = await serving(t);
  const { stateDirectory, token } = gateway;
  const saved = join(scratch(t), 'saved');
  await gateway.stop();
  cpSync(stateDirectory, saved, { recursive: true });
  await gateway.start();
  for (let roll = 0; roll < rolls; roll += 1) assert.equal((await gateway.command('roll', '--wait')).code, 0);
  const { leaf } = await gateway.settled();
  const newest = leaf?.thumbprint ?? '';
  await token.stores(`newleaf-${leaf?.slot}`, newest);
  await gateway.stop();
  rmSync(stateDirectory, { recursive: true });
  cpSync(saved, stateDirectory, { recursive: true });
  return { far, gateway, newest };
}

for (const rolls of [1, 2])
  test(`a state from ${rolls} rolls ago is put back: the newest leaf, whose certificate is beside its key, serves`, async (t) => {
    const { gateway, newest } = await putBack(t, rolls);
    await gateway.start();
    await gateway.until(({ leaf, phase }) => leaf?.thumbprint === newest && phase === 'serving');
    const { wrong } = await gateway.settled();
    assert.deepEqual(wrong, []);
    assert.equal(gateway.token.privateKeys().length, 1);
  });

for (const [rolls, next, stranger] of SITUATIONS) {
  test(`a state from ${rolls} rolls ago is put back, and no certificate is there: a roll gets a leaf again, and the key that the records do not know has a way out`, async (t) => {
    const { far, gateway } = await putBack(t, rolls);
    const { token, configuration } = gateway;
    token.ask('--delete-object', '--type', 'cert', '--label', stranger);

    const since = far.log.registrations();
    await gateway.start();
    await gateway.until(({ trouble }) => trouble?.code === 'NL-TOKEN-KEY');
    // Without a person the roll begins by itself, after a quarter of an hour.
    assert.equal((await gateway.command('roll', '--wait')).code, 0);
    const { leaf } = await gateway.settled();
    assert.deepEqual([leaf?.slot, far.log.registrations() - since], [next, 1]);
    assert.deepEqual(token.privateKeys().toSorted(), ['newleaf-a', 'newleaf-b']);

    const said = await gateway.until(({ trouble }) => trouble?.code === 'NL-TOKEN-OCCUPIED');
    assert.match(
      said.trouble?.message ?? '',
      new RegExp(`^${stranger} holds a key, and the records of newleaf do not`),
    );
    const advice = /another name: hsm\.label_prefix.*`systemctl restart newleaf`, `newleaf roll --wait`/;
    assert.match(said.trouble?.advice ?? '', advice);
    for (const command of ['status', 'check']) {
      const { out, err } = await gateway.command(command);
      assert.match(`${out}${err}`.replaceAll(/\s+/g, ' '), new RegExp(`${stranger} holds a key`), command);
    }
    await gateway.stop();
    gateway.configure([readFileSync(configuration, 'utf8'), 'hsm.label_prefix = "gw"']);
    await gateway.start();
    assert.equal((await gateway.command('roll', '--wait')).code, 0);
    assert.equal((await gateway.settled()).trouble, undefined);
    const { code, err } = await gateway.command('status');
    assert.equal(code, 0, err);
  });
}
