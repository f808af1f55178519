import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSimulator } from '../simulator/simulator.ts';
import { Gateway } from './stage/gateway.ts';
import { PATIENCE_MS } from './stage/site.ts';

const owner = (label: string) => label.replace(/-[ab]$/, '');

test('two daemons in one token: each rolls beside the other, and the end of one leaves the other alone', async (t) => {
  const far = await startSimulator();
  await far.enrollGroup({ groupId: 'gateways', primary: far.endpoints.issuerPem });
  const first = new Gateway(far.endpoints);
  const plant = new Gateway(far.endpoints, {
    registrationId: 'gw-plant',
    settings: { 'hsm.label_prefix': '"plant"' },
    around: (own) => {
      own.remove();
      return first.token.hsm;
    },
  });
  t.after(async () => {
    await plant.stop('SIGKILL');
    await first.remove();
    await plant.remove();
    await far.close();
  });
  const both = [first, plant];
  const owners = () => [...new Set(first.token.privateKeys().map(owner))];

  await t.test('both get a first leaf at the same time', async () => {
    await Promise.all(both.map((gateway) => gateway.start()));
    const leaves = await Promise.all(both.map((gateway) => gateway.settled()));
    assert.deepEqual(
      leaves.map(({ leaf }) => leaf?.cn),
      ['gw-0001', 'gw-plant'],
    );
    assert.deepEqual(owners(), ['newleaf', 'plant']);
  });

  await t.test('both roll at the same time, three times', async () => {
    for (const id of ['one', 'two', 'three']) {
      const before = await Promise.all(both.map((gateway) => gateway.status()));
      await Promise.all(both.map((gateway) => gateway.post('/v1/roll', { id })));
      const after = await Promise.all(
        both.map((gateway) =>
          gateway.until(({ last, request }) => last?.id === id && request === undefined, PATIENCE_MS),
        ),
      );
      await Promise.all(both.map((gateway) => gateway.settled()));
      for (const [at, { last, leaf }] of after.entries()) {
        assert.equal(last?.outcome, 'done');
        assert.notEqual(leaf?.thumbprint, before[at]?.leaf?.thumbprint);
      }
      assert.equal(first.token.privateKeys().length, 2, 'each destroys its own old key');
      assert.deepEqual(owners(), ['newleaf', 'plant']);
    }
  });

  await t.test('one ends and comes back: the other stays logged in', async () => {
    await plant.stop();
    await first.post('/v1/roll', { id: 'alone' });
    assert.equal((await first.until(({ last }) => last?.id === 'alone')).last?.outcome, 'done');
    await plant.start();
    await plant.settled();
    await first.stop('SIGKILL');
    await plant.post('/v1/roll', { id: 'alone' });
    assert.equal((await plant.until(({ last }) => last?.id === 'alone')).last?.outcome, 'done');
    await first.start();
    await first.settled();
  });

  await t.test('one is given up: its keys are destroyed, and the other serves and rolls', async () => {
    const mine = first.token.privateKeys().filter((label) => owner(label) === 'newleaf');
    await plant.stop();
    const { code, out, err } = await plant.command('decommission', '--yes');
    assert.equal(code, 0, `${out}${err}`);
    assert.deepEqual(first.token.privateKeys(), mine);
    assert.equal(existsSync(join(plant.stateDirectory, 'leaf.pem')), false);
    assert.equal((await first.status()).online, true);
    const leaf = readFileSync(join(first.stateDirectory, 'leaf.pem'), 'utf8');
    await first.post('/v1/roll', { id: 'after' });
    assert.equal((await first.until(({ last }) => last?.id === 'after')).last?.outcome, 'done');
    assert.notEqual(readFileSync(join(first.stateDirectory, 'leaf.pem'), 'utf8'), leaf);
    assert.deepEqual(owners(), ['newleaf']);
  });

  /** Settings were copied for another device: it is refused. @returns what its end says */
  async function endOfCopy(): Promise<string> {
    const copy = new Gateway(far.endpoints, {
      registrationId: 'gw-copy',
      around: (own) => {
        own.remove();
        return first.token.hsm;
      },
    });
    t.after(() => copy.remove());
    await copy.start();
    await copy.until(({ wrong }) => wrong.some(({ code }) => code === 'NL-TOKEN-OCCUPIED'), PATIENCE_MS);
    await copy.stop();
    const { code, out, err } = await copy.command('decommission', '--yes');
    assert.equal(code, 0, `${out}${err}`);
    return out.replaceAll(/\s+/g, ' ');
  }

  await t.test('the end of a copy costs the first no key: its certificate tells whose it is', async () => {
    // A moment after the roll, when the old key is gone.
    const { leaf } = await first.settled();
    await first.log.waitFor({ event: 'certificate-stored', thumbprint: leaf?.thumbprint }, { timeoutMs: PATIENCE_MS });
    const mine = first.token.privateKeys();
    assert.match(await endOfCopy(), /It leaves alone: .*key newleaf-[ab] .*its certificate is that of gw-0001/);
    assert.deepEqual(first.token.privateKeys(), mine);
  });

  await t.test('the same where no certificate tells that: the records of the copy do not name the key', async () => {
    const mine = first.token.privateKeys();
    for (const label of mine) first.token.ask('--delete-object', '--type', 'cert', '--label', label);
    assert.match(await endOfCopy(), /It leaves alone: .*key newleaf-[ab] .*the records .* do not name it/);
    assert.deepEqual(first.token.privateKeys(), mine);
  });
});
