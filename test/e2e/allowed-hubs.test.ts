import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { holds } from './stage/holds.ts';
import { PATIENCE_MS, serving } from './stage/site.ts';

const REFUSED = /NL-DPS-HUB DPS assigned the hub localhost:\d+, which dps\.allowed_hubs does not allow\./;

test('DPS assigns a hub that is not allowed: the gateway stays where it is, and follows once it is', async (t) => {
  const { far, gateway, thumbprint } = await serving(t);
  const configured = readFileSync(gateway.configuration, 'utf8');
  const allow = (hubs: string) => gateway.configure([configured, `dps.allowed_hubs = ${hubs}`]);
  await gateway.stop();
  allow('[".azure-devices.net"]');
  const mark = far.log.entries.length;
  await gateway.start();
  await far.log.waitFor({ event: 'connected', server: 'hub1' }, PATIENCE_MS, mark);

  const asked = far.log.entries.length;
  const { code, out, err } = await gateway.command('reprovision', '--wait');
  assert.equal(code, 3, 'connected, but on what it had before');
  assert.match(`${out}${err}`.replaceAll(/\s+/g, ' '), REFUSED);
  holds(await gateway.status(), { phase: 'serving', online: true, leaf: { thumbprint } });
  const since = far.log.since(asked);
  assert.deepEqual(
    since.filter(({ event }) => event === 'register' || event === 'connected').map(({ event }) => event),
    ['register'],
  );

  await gateway.stop();
  await far.assign(gateway.registrationId, 'hub2');
  allow('["localhost"]');
  await gateway.start();
  const follows = far.log.entries.length;
  const allowed = await gateway.command('reprovision', '--wait');
  assert.equal(allowed.code, 0, allowed.err);
  await far.log.waitFor({ event: 'connected', server: 'hub2', thumbprint }, PATIENCE_MS, follows);
});
