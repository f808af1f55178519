import assert from 'node:assert/strict';
import type { Gateway } from '../e2e/stage/gateway.ts';

/** Provisions the gateway, starts it, and turns over a leaf; `meanwhile` is called while it serves. It is stopped then. */
export async function initRunRoll(gateway: Gateway, meanwhile = (): void => {}): Promise<void> {
  const init = await gateway.command('init');
  assert.equal(init.code, 0, `${init.out}${init.err}`);
  await gateway.start();
  const before = await gateway.settled();
  const roll = await gateway.command('roll', '--wait');
  assert.equal(roll.code, 0, roll.err);
  const after = await gateway.settled();
  assert.notEqual(after.leaf?.thumbprint, before.leaf?.thumbprint);
  assert.deepEqual(gateway.token.privateKeys(), ['newleaf-b']);
  meanwhile();
  assert.equal(await gateway.stop(), 0);
  assert.equal(gateway.noise, '');
}
