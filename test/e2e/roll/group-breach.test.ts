import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Entry } from '../../simulator/log.ts';
import type { Switches } from '../../simulator/switches.ts';
import { holds } from '../holds.ts';
import { PATIENCE_MS } from '../site.ts';
import { type By, enrolledCa, type Level } from './enrolled-ca.ts';
import type { Policy } from './operator.ts';
import { account } from './presence.ts';
import { begin, factoryScene, GROUP, ID } from './scene.ts';
import { keptOut } from './thief.ts';

interface Row {
  readonly ca: Level;
  /** The hub forgets the device, or the operator calls it first. */
  readonly way: 'delete the identity' | 'call for a roll';
  readonly by?: By;
  readonly policy?: Policy;
  readonly switches?: Partial<Switches>;
}

const rows: readonly Row[] = [
  { ca: 'root', way: 'delete the identity' },
  { ca: 'root', way: 'delete the identity', by: 'name', switches: { refusalShape: 'failed' } },
  { ca: 'root', way: 'call for a roll', by: 'name' },
  { ca: 'root', way: 'call for a roll', policy: 'never' },
  { ca: 'root', way: 'delete the identity', policy: 'never', switches: { neverPolicyRefreshesThumbprint: false } },
  { ca: 'intermediate', way: 'delete the identity', switches: { refusalShape: 'failed' } },
  { ca: 'intermediate', way: 'delete the identity', by: 'name', switches: { enrolledIssuerMayBeLeftOut: false } },
  { ca: 'intermediate', way: 'call for a roll', by: 'name' },
  { ca: 'intermediate', way: 'call for a roll', switches: { enrolledIssuerMayBeLeftOut: false, estSendsChain: true } },
];

const titleOf = ({ ca, way, by = 'certificate', policy, switches = {} }: Row): string =>
  [
    `a compromised ${ca}, enrolled by ${by}: ${way}`,
    ...(policy ? [`policy ${policy}`] : []),
    ...Object.entries(switches).map((one) => one.join(' ')),
  ].join(', ');

suite('an enrollment group after a breach', { concurrency: true }, () => {
  for (const row of rows) {
    test(titleOf(row), async (t) => {
      const { ca, way, by = 'certificate', policy, switches } = row;
      const scene = await factoryScene(t, switches);
      const { far, gateway, operator, stolen } = scene;
      await operator.admit('group', GROUP, { primary: await enrolledCa(far, ca, by, far.endpoints.issuerPem) }, policy);
      await begin(scene);
      // Whoever has the key of the CA makes himself a leaf with any name.
      const forged = await far.clientIdentity(ID);
      const since = far.log.entries.length;

      const issuerPem = await far.rollIssuer(ca);
      await operator.admit('group', GROUP, { primary: await enrolledCa(far, ca, by, issuerPem) }, policy);
      if (way === 'delete the identity') await operator.forget(ID);
      else assert.equal((await operator.reprovision(ID, { action: 'roll' })).status, 202);
      const isRolled = (entry: Entry) => entry.event === 'connected' && entry.thumbprint !== stolen.thumbprint;
      const { thumbprint = '' } = await far.log.waitFor(isRolled, PATIENCE_MS, since);
      const status = await gateway.settled();

      for (const leaf of [stolen, forged]) await keptOut(far, ID, leaf);
      const { offlineMs } = account(t, far, since, ID);
      if (way === 'call for a roll') assert.equal(offlineMs, 0);
      holds(status, { person: false, leaf: { thumbprint } });
      holds(await far.device(ID), { thumbprints: { primary: thumbprint, secondary: thumbprint } });
      assert.equal(far.log.count({ event: 'issued' }), 1, 'one leaf of the new CA');
      assert.equal((await gateway.status()).online, true, 'the thief disturbed nothing');
    });
  }
});
