import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Authority } from '../simulator/ca.ts';
import { holds } from './stage/holds.ts';
import { PATIENCE_MS, site } from './stage/site.ts';

test('a CA that moves to a new root: DPS is shown the way up that it has accepted, and the other where it refuses that one', async (t) => {
  const { far, gateway } = await site(t);
  await far.replaceCertificates('gateways', { primary: far.endpoints.estCaPem });
  await gateway.start();
  await far.log.waitFor({ event: 'connected' }, PATIENCE_MS);
  await gateway.settled();
  const refusals = () => far.log.count({ event: 'refused', code: 401002 });

  const root = await far.rollIssuer('cross');
  assert.equal((await gateway.command('roll', '--wait')).code, 0, 'DPS knows the old root only');
  assert.equal(refusals(), 0);

  await far.replaceCertificates('gateways', { primary: root });
  assert.equal((await gateway.command('roll', '--wait')).code, 0, 'DPS knows the new root only');
  assert.equal(refusals(), 1, 'the way up of before went first');
  holds(await gateway.settled(), { person: false, next: undefined });
  assert.equal(gateway.log.matching({ event: 'parked' }).length, 0);

  assert.equal((await gateway.command('reprovision', '--wait')).code, 0);
  assert.equal(refusals(), 1, 'what was accepted last goes first');
  await gateway.stop();
  await gateway.start();
  await gateway.settled();
  assert.equal((await gateway.command('reprovision', '--wait')).code, 0, 'it is known after a restart');

  const { rootPem } = await Authority.create('CA of others');
  await far.replaceCertificates('gateways', { primary: rootPem });
  const parked = await gateway.command('roll', '--wait');
  assert.equal(parked.code, 4, parked.out + parked.err);
  holds(await gateway.settled(), { person: true, next: { standing: 'parked', trouble: { code: 'NL-DPS-401002' } } });
});
