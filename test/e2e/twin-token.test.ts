import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PATIENCE_MS, serving } from './stage/site.ts';

const plain = (text: string) => text.replaceAll(/\s+/g, ' ');

test('a second token with the label of ours keeps the gateway neither from starting nor from rolling', async (t) => {
  const { far, gateway, thumbprint } = await serving(t);
  await gateway.stop();
  gateway.token.another();

  const since = far.log.entries.length;
  await gateway.start();
  await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
  const [doubted] = gateway.log.lines.filter(({ event }) => event === 'token-doubted');
  assert.match(String(doubted?.message), /^2 tokens match label .* newleaf takes the one that has worked before/);
  const check = await gateway.command('check', 'token-present');
  assert.match(
    plain(check.out),
    /warning token-present 2 tokens match .*Name it by its serial number: hsm.uri = "pkcs11:serial=[0-9a-f]+"/,
  );
  assert.equal((await gateway.command('check', 'tls-handshake')).code, 0);
  // The key of the leaf before is destroyed by another process, in the same token.
  const rolled = await gateway.command('roll', '--wait');
  assert.equal(rolled.code, 0, rolled.err);
  await gateway.log.waitFor({ event: 'transition', from: 'retiring-key', to: 'serving' });
  assert.equal((await gateway.settled()).trouble, undefined);

  await gateway.stop();
  rmSync(join(gateway.stateDirectory, 'token-uri'));
  await assert.rejects(gateway.start(), /TOKEN_AMBIGUOUS|2 tokens match/);
});
