import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Call, FaultyToken } from '../contract/faulty/faulty.ts';
import { servingFaulty } from './stage/faulty-site.ts';
import { cut, PATIENCE_MS, type Serving } from './stage/site.ts';

const FOR_EVER_MS = 1e9;

/** A gateway that serves, with a module around its token that hangs where it is told to. */
async function hangable(t: TestContext): Promise<Serving & { readonly hsm: FaultyToken }> {
  const made = await servingFaulty(t);
  await made.gateway.token.stores('newleaf-a', made.thumbprint);
  return made;
}

/** Fulfilled when a process is in this function of the module. */
async function hangsIn(hsm: FaultyToken, call: Call): Promise<void> {
  hsm.heal();
  hsm.delay(call, FOR_EVER_MS);
  while (hsm.calls(call) === 0) await pause(20);
}

/** The hub ends the session, and the gateway opens another with this leaf. */
async function comesBack({ far, gateway }: Pick<Serving, 'far' | 'gateway'>, thumbprint: string): Promise<void> {
  const since = far.log.entries.length;
  await cut(far);
  await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
  await gateway.until(({ online }) => online);
}

for (const call of ['C_GenerateKeyPair', 'C_Sign'] as const)
  test(`the token hangs for ever in ${call} for the next key: the session comes first, and a roll works once it is well`, async (t) => {
    const { far, gateway, hsm, thumbprint } = await hangable(t);
    const hangs = hangsIn(hsm, call);
    await gateway.post('/v1/roll', { id: 'asked' });
    await hangs;
    // Each signature of the session is one, too.
    if (call === 'C_Sign') hsm.heal();
    await comesBack({ far, gateway }, thumbprint);
    const { phase, leaf } = await gateway.status();
    assert.deepEqual([phase, leaf?.thumbprint], [call === 'C_Sign' ? 'requesting-leaf' : 'generating-key', thumbprint]);

    await gateway.stop('SIGKILL');
    const since = far.log.entries.length;
    await gateway.start();
    await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);

    hsm.heal();
    assert.equal(await gateway.stop(), 0, 'what hangs does not keep it from ending');
    await gateway.start();
    const { leaf: rolled, last } = await gateway.settled();
    assert.deepEqual([last?.id, last?.outcome, rolled?.thumbprint === thumbprint], ['asked', 'done', false]);
    assert.deepEqual(gateway.token.privateKeys(), ['newleaf-b']);
  });

test('the token hangs for ever where the certificate is stored, which newleaf needs for nothing: it serves and answers', async (t) => {
  const { far, gateway, hsm, thumbprint } = await hangable(t);
  const hangs = hangsIn(hsm, 'C_CreateObject');
  await gateway.post('/v1/roll', { id: 'asked' });
  await hangs;
  const { leaf } = await gateway.settled();
  assert.ok(leaf && leaf.thumbprint !== thumbprint);
  await comesBack({ far, gateway }, leaf.thumbprint);
  assert.equal(await gateway.stop(), 0, 'what hangs does not keep it from ending');
  const since = far.log.entries.length;
  await gateway.start();
  await far.log.waitFor({ event: 'connected', thumbprint: leaf.thumbprint }, PATIENCE_MS, since);
  await gateway.settled();
});
