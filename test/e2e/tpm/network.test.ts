import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { HttpProxy } from '../../simulator/proxy.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { ID, tpmSite } from './site.ts';

test('a TPM: DPS over HTTPS and the hub over WebSockets, both through a proxy with a password', async (t) => {
  const { far, gateway, endorsementKey } = await tpmSite(t);
  const proxy = await HttpProxy.start('gw:s3cret');
  t.after(() => proxy[Symbol.asyncDispose]());
  const password = gateway.file('proxy-password', 's3cret\n', 0o600);
  gateway.configure([
    readFileSync(gateway.configuration, 'utf8'),
    `[network]\ntransport = "mqtt-ws"\nproxy = "${proxy.url}"\nproxy_username = "gw"\nproxy_password_file = ${password}`,
  ]);
  await far.enrollIndividual({ registrationId: ID, tpm: { endorsementKey } });
  await gateway.start();
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  await gateway.settled();
  const { dps, hub1 } = far.endpoints;
  assert.deepEqual(
    new Set(proxy.asked.map(({ to, status }) => `${to} ${status}`)),
    new Set([`${dps} 200`, `${hub1} 200`]),
  );
  assert.equal(far.log.count({ event: 'websocket', server: 'hub1' }), 1);
});
