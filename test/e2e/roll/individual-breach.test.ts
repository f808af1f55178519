import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Switches } from '../../simulator/switches.ts';
import { holds } from '../holds.ts';
import { PATIENCE_MS } from '../site.ts';
import type { Policy } from './operator.ts';
import { account, presence } from './presence.ts';
import { begin, factoryScene, ID, refusedForGood } from './scene.ts';
import { keptOut } from './thief.ts';

/** Microsoft's two ways to take the old leaf out of the hub (how-to-roll-certificates). */
type Way = 'delete the identity' | 'reprovision to the same hub';

interface Row {
  readonly way: Way;
  readonly switches?: Partial<Switches>;
  readonly policy?: Policy;
  /** The hub refuses so many connects after each write of the identity. */
  readonly lag?: number;
}

const rows: readonly Row[] = [
  { way: 'delete the identity' },
  { way: 'delete the identity', switches: { refusalShape: 'failed' } },
  { way: 'delete the identity', policy: 'never', switches: { neverPolicyRefreshesThumbprint: false } },
  { way: 'delete the identity', lag: 2 },
  { way: 'reprovision to the same hub' },
  { way: 'reprovision to the same hub', switches: { refusalShape: 'failed' } },
  { way: 'reprovision to the same hub', policy: 'never' },
  { way: 'reprovision to the same hub', policy: 'reset', lag: 2 },
];

const titleOf = ({ way, policy, lag, switches = {} }: Row): string =>
  [way, policy && `policy ${policy}`, lag && 'the hub lags', ...Object.entries(switches).map((one) => one.join(' '))]
    .filter(Boolean)
    .join(', ');

suite('an individual enrollment after a breach', { concurrency: true }, () => {
  for (const both of [false, true]) {
    for (const row of both ? rows.filter(({ lag, policy }) => !lag && !policy) : rows) {
      const story = both ? 'both slots were compromised' : 'the leaf was stolen';
      test(`${story}: ${titleOf(row)}`, async (t) => {
        const scene = await factoryScene(t, row.switches);
        const { far, gateway, operator, stolen, leafPem } = scene;
        const spare = await far.clientIdentity(ID);
        const secondary = both ? { secondary: spare.cert } : {};
        await operator.admit('individual', ID, { primary: stolen.cert, ...secondary }, row.policy);
        await begin(scene);
        const since = far.log.entries.length;

        // A new leaf first: DPS does not know it, so it waits beside the one that serves.
        assert.equal((await operator.reprovision(ID, { action: 'roll' })).status, 202);
        const { next } = await gateway.until((status) => status.next?.standing === 'parked');
        const thumbprint = next?.leaf?.thumbprint ?? '';
        await operator.admit('individual', ID, { primary: leafPem('next.pem') }, row.policy);
        if (row.lag) await far.lay('hub1', 'transient-5', { times: row.lag });
        if (row.way === 'delete the identity') await operator.forget(ID);
        else assert.equal((await operator.reprovision(ID)).status, 202);
        await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
        const status = await gateway.settled();
        if (row.lag) await far.lift('hub1');

        for (const leaf of both ? [stolen, spare] : [stolen]) await keptOut(far, ID, leaf);
        const { offlineMs } = account(t, far, since, ID);
        if (row.way === 'reprovision to the same hub') assert.equal(offlineMs, 0);
        holds(status, { person: false, leaf: { thumbprint } });
        holds(await far.device(ID), { thumbprints: { primary: thumbprint, secondary: thumbprint } });
        assert.equal(far.log.count({ event: 'issued' }), 1);
        assert.equal((await gateway.status()).online, true, 'the thief disturbed nothing');
      });
    }
  }

  test('the policy "never", and DPS leaves the thumbprint as it is: only deleting the identity helps', async (t) => {
    const scene = await factoryScene(t, { neverPolicyRefreshesThumbprint: false });
    const { far, gateway, operator, stolen, leafPem } = scene;
    await operator.admit('individual', ID, { primary: stolen.cert }, 'never');
    await begin(scene);
    const since = far.log.entries.length;
    await operator.reprovision(ID, { action: 'roll' });
    const { next } = await gateway.until((status) => status.next?.standing === 'parked');
    await operator.admit('individual', ID, { primary: leafPem('next.pem') }, 'never');
    assert.equal((await operator.reprovision(ID)).status, 202);
    await refusedForGood(gateway);
    const stuck = await gateway.until(({ phase, request }) => phase === 'stranded' && request === undefined);
    holds(stuck, { online: true, person: true, leaf: { thumbprint: stolen.thumbprint } });
    assert.equal(presence(far, since, ID).offlineMs, 0, 'the old leaf is all that the hub knows');

    await operator.forget(ID);
    const thumbprint = next?.leaf?.thumbprint ?? '';
    await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
    holds(await gateway.settled(), { person: false, leaf: { thumbprint } });
    await keptOut(far, ID, stolen);
    account(t, far, since, ID);
  });
});
