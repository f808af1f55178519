import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holds } from '../stage/holds.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { azureServing } from './site.ts';

const count = (entries: readonly { readonly event: string }[], event: string) =>
  entries.filter((one) => one.event === event).length;

test('the hub issues later, and the gateway restarts meanwhile: the same request, the same key, one leaf', async (t) => {
  const { far, gateway, thumbprint } = await azureServing(t);
  await far.set({ renewal: 'held' });
  const mark = far.log.entries.length;
  assert.equal((await gateway.post('/v1/roll')).status, 202);
  await far.log.waitFor({ event: 'credentials' }, PATIENCE_MS, mark);
  const keys = gateway.token.privateKeys();
  await gateway.stop('SIGKILL');
  await gateway.start();
  const second = await far.log.waitFor(() => count(far.log.since(mark), 'credentials') === 2, PATIENCE_MS, mark);
  const requests = far.log.since(mark).filter(({ event }) => event === 'credentials');
  assert.deepEqual(new Set(requests.map(({ reason }) => reason)).size, 1, 'the same ID');
  assert.deepEqual(new Set(requests.map(({ body }) => String(body))).size, 1, 'the same CSR');
  assert.deepEqual(gateway.token.privateKeys(), keys);
  assert.ok(second);
  await far.concludeRenewal(gateway.registrationId);
  const status = await gateway.settled();
  holds(status, { phase: 'serving', online: true });
  assert.notEqual(status.leaf?.thumbprint, thumbprint);
  assert.equal(count(far.log.since(mark), 'register'), 0);
});

test('DPS accepts the onboarding certificate no more: the leaf is renewed over the hub all the same', async (t) => {
  const { far, gateway, thumbprint } = await azureServing(t);
  await far.removeEnrollment('gateways');
  const { code, err } = await gateway.command('roll', '--wait');
  assert.equal(code, 0, err);
  const status = await gateway.settled();
  holds(status, { phase: 'serving', online: true });
  assert.notEqual(status.leaf?.thumbprint, thumbprint);
});
