import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prints, signs, types } from './arrow.ts';
import { provisioned } from './check/stage.ts';

const HOUR_MS = 3_600_000;

test('the leaf nears its end, and the CA gave no other: once it does, the roll that is printed brings one', async (t) => {
  const { far, gateway, setClock } = await provisioned(t, { lifetimeMs: 6 * HOUR_MS });
  await far.lay('est', 'est-status', { status: 403 });
  setClock(5.5 * 3_600, 'everybody');
  await gateway.start();
  const { leaf } = await gateway.until(({ next, alarm }) => next?.trouble !== undefined && alarm === '1hour');
  await prints(gateway, ['status'], 'NL-LEAF-EXPIRING', ['newleaf status', 'newleaf roll']);
  await far.lift('est');
  await far.setPolicy({ lifetimeMs: 24 * HOUR_MS });
  await types(gateway, 'roll');
  await gateway.until((status) => status.leaf?.thumbprint !== leaf?.thumbprint);
  assert.equal((await gateway.settled()).alarm, undefined);
});

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
