import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Authority } from '../../simulator/ca.ts';
import type { Gateway } from '../stage/gateway.ts';
import { azureServing, azureSite, DAY } from './site.ts';

const CHECKS = ['issuer-reach', 'issuer-auth', 'dps-tls', 'enrollment'] as const;

async function checked(gateway: Gateway, ...names: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const { out } = await gateway.command('check', ...names, '--json');
  const { checks } = JSON.parse(out) as { checks: { id: string; outcome: string; code?: string; message: string }[] };
  return Object.fromEntries(
    checks.map(({ id, outcome, code, message }) => [id, `${outcome} ${code ?? ''} ${message}`]),
  );
}

test('all is well: DPS is shown the onboarding certificate, and never the leaf', async (t) => {
  const { far, gateway, onboarding } = await azureServing(t);
  const mark = far.log.entries.length;
  const found = await checked(gateway, ...CHECKS);
  for (const id of CHECKS) assert.match(found[id] ?? '', /^ok /, id);
  assert.match(found['issuer-auth'] ?? '', /api-version 2026-11-02-preview/);
  const shown = far.log
    .since(mark)
    .filter(({ event, server, thumbprint }) => event === 'tls' && server === 'dps' && thumbprint !== '');
  assert.deepEqual([...new Set(shown.map(({ thumbprint }) => thumbprint))], [onboarding.thumbprint]);
  assert.equal(far.log.since(mark).filter(({ event }) => event === 'register').length, 0);
});

test('DPS does not know the api-version, and knows the identity: the check tells them apart', async (t) => {
  const { gateway } = await azureSite(t, { switches: { dpsVersions: 'classic' } });
  const found = await checked(gateway, 'issuer-auth');
  assert.match(found['issuer-auth'] ?? '', /^failed NL-DPS-REJECTED DPS does not know the api-version/);
});

test('the onboarding certificate has another CN, or nears its end', async (t) => {
  const authority = await Authority.create('Factory');
  const named = { issuerPem: authority.issuerPem, identity: await authority.clientIdentity('gw-0002') };
  const other = await azureSite(t, { factory: named });
  assert.match(
    (await checked(other.gateway, 'issuer-auth'))['issuer-auth'] ?? '',
    /^failed NL-DPS-REJECTED DPS refuses/,
  );
  const identity = await authority.clientIdentity('gw-0001', { lifetimeMs: 10 * DAY, backdateMs: 50 * DAY });
  const ending = await azureSite(t, { factory: { issuerPem: authority.issuerPem, identity } });
  assert.match((await checked(ending.gateway, 'issuer-auth'))['issuer-auth'] ?? '', /^warning .* ends at /);
});
