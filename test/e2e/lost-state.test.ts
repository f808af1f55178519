import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Gateway } from './stage/gateway.ts';
import { PATIENCE_MS, type Serving, serving } from './stage/site.ts';

const plain = (text: string) => text.replaceAll(/\s+/g, ' ');
const ADOPT = ['init', '--adopt', 'token', '--yes'];

async function loseState(gateway: Gateway): Promise<void> {
  await gateway.stop();
  rmSync(join(gateway.stateDirectory, 'state.json'));
}

/** The printed command, and what follows from it: the same leaf, no refusal, and a roll that ends its key. */
async function goesOn({ far, gateway }: Serving, thumbprint: string | undefined): Promise<void> {
  const since = far.log.entries.length;
  const { code, out, err } = await gateway.command(...ADOPT);
  assert.equal(code, 0, `${out}${err}`);
  await gateway.start();
  const { leaf } = await gateway.settled();
  assert.equal(leaf?.thumbprint, thumbprint);
  const connected = far.log.since(since).filter(({ event }) => event === 'connected');
  assert.deepEqual([...new Set(connected.map((entry) => entry.thumbprint))], [thumbprint]);
  assert.deepEqual(
    far.log.since(since).filter(({ event }) => /refused|rejected/.test(event)),
    [],
  );

  const rolled = await gateway.command('roll', '--wait');
  assert.equal(rolled.code, 0, rolled.err);
  const { leaf: next, trouble } = await gateway.settled();
  assert.notEqual(next?.thumbprint, thumbprint);
  assert.deepEqual([trouble, gateway.token.privateKeys()], [undefined, [`newleaf-${next?.slot}`]]);
}

test('state.json is lost: the key that DPS knows is not said to be needed by nothing, and goes on by the printed command', async (t) => {
  const site = await serving(t);
  const { far, gateway, thumbprint } = site;
  await loseState(gateway);
  await gateway.start();
  await gateway.log.waitFor({ event: 'failed', code: 'NL-TOKEN-OCCUPIED' }, { timeoutMs: PATIENCE_MS });
  for (const command of ['status', 'check'] as const) {
    const { out, err } = await gateway.command(command);
    assert.match(plain(out + err), /It has a valid leaf for this gateway.*`newleaf init --adopt token --yes`/, command);
    assert.doesNotMatch(plain(out + err), /needed by nothing/);
  }
  assert.equal(far.log.registrations(), 1);
  await gateway.stop();
  await goesOn(site, thumbprint);
});

test('the leaf of the other slot, with its intermediates, where the token holds no certificate', async (t) => {
  const site = await serving(t);
  const { gateway } = site;
  assert.equal((await gateway.command('roll', '--wait')).code, 0);
  const { leaf } = await gateway.settled();
  assert.equal(leaf?.slot, 'b');
  await gateway.token.stores('newleaf-b', leaf.thumbprint);
  await loseState(gateway);
  gateway.token.ask('--delete-object', '--type', 'cert', '--label', 'newleaf-b');
  await goesOn(site, leaf?.thumbprint);
});
