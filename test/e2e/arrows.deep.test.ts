import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prints, signs, types } from './arrow.ts';
import { provisioned } from './check/stage.ts';

const HOUR_MS = 3_600_000;

test('the leaf has expired, and the CA gives no other', async (t) => {
  const stage = await provisioned(t, { lifetimeMs: HOUR_MS });
  const { far, gateway, setClock } = stage;
  await far.lay('est', 'est-status', { status: 403 });
  setClock(2 * 3_600, 'everybody');
  await gateway.start();
  await gateway.until(({ next, alarm }) => next?.trouble !== undefined && alarm === 'expired');
  await prints(gateway, ['status'], 'NL-LEAF-EXPIRED', ['newleaf csr', 'newleaf install FILE']);
  await far.setPolicy({ lifetimeMs: 24 * HOUR_MS });
  await signs(stage, await types(gateway, 'csr'));
  assert.equal((await gateway.settled()).alarm, undefined);
});
