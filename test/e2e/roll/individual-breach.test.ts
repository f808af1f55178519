import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { holds } from '../stage/holds.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { complete } from './complete.ts';
import { plays } from './matters.ts';
import { account, presence } from './presence.ts';
import { begin, factoryScene, ID, otherwise, refusedForGood, rowsHere, titleOf, type Variant } from './scene.ts';
import { keptOut } from './thief.ts';

/** Microsoft's two ways to take the old leaf out of the hub (how-to-roll-certificates). */
const FORGET = 'enroll forget gw-0001';
const AGAIN = 'enroll reprovision gw-0001';

interface Row extends Variant {
  readonly way: typeof FORGET | typeof AGAIN;
  /** The hub refuses so many connects after each write of the identity. */
  readonly lag?: number;
}

const rows: readonly Row[] = [
  { way: FORGET },
  { way: AGAIN },
  { way: FORGET, switches: { refusalShape: 'failed', retryAfter: '' } },
  { way: AGAIN, switches: { refusalShape: 'failed', estSendsChain: true } },
  { way: FORGET, switches: { answerAtOnce: true, estSendsChain: true } },
  { way: AGAIN, switches: { answerAtOnce: true } },
  { way: FORGET, switches: { retryAfter: '3' } },
  { way: FORGET, policy: 'never', switches: { neverPolicyRefreshesThumbprint: false } },
  { way: AGAIN, policy: 'never' },
  { way: FORGET, lag: 2 },
  { way: AGAIN, policy: 'reset', lag: 2 },
];

suite('an individual enrollment after a breach', { concurrency: 4 }, () => {
  for (const both of [false, true]) {
    const story = both ? 'individual breach of both' : 'individual breach';
    for (const row of rowsHere(both ? rows.filter(({ lag }) => lag === undefined) : rows)) {
      test(`${titleOf(`${story}: ${row.way}`, row)}${row.lag ? ', the hub lags' : ''}`, async (t) => {
        const { way, lag, policy = 'migrate', switches } = row;
        plays(story, switches);
        const scene = await factoryScene(t, switches);
        const { far, gateway, operator, stolen } = scene;
        const spare = await far.clientIdentity(ID);
        operator.keep('spare.pem', spare.cert);
        const secondary = both ? ' --secondary spare.pem' : '';
        await operator.types(`enroll add individual --certificate gw-0001.pem${secondary} --policy ${policy}`);
        await begin(scene);
        const since = far.log.entries.length;

        // A new leaf first: DPS does not know it, so it waits beside the one that serves.
        const asked = await operator.types('enroll reprovision gw-0001 --action roll', 1);
        const { next } = await gateway.status();
        const thumbprint = next?.leaf?.thumbprint ?? '';
        assert.match(asked.out, new RegExp(`its new leaf waits\\s+gw-0001\\s+${thumbprint}`));
        const slot = both ? 'both' : 'primary';
        await operator.types(`enroll remove-current ${slot} gw-0001 --from-device`);
        if (lag) await far.lay('hub1', 'transient-5', { times: lag });
        await operator.types(way);
        await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
        const status = await gateway.settled();
        if (lag) await far.lift('hub1');

        for (const leaf of both ? [stolen, spare] : [stolen]) await keptOut(far, ID, leaf);
        const { offlineMs } = account(t, scene, since);
        if (way === AGAIN) assert.equal(offlineMs, 0);
        holds(status, { person: false, leaf: { thumbprint } });
        holds(await far.device(ID), { thumbprints: { primary: thumbprint, secondary: thumbprint } });
        assert.equal(far.log.count({ event: 'issued' }), 1);
        assert.equal((await gateway.status()).online, true, 'the thief disturbed nothing');
      });
    }
  }

  otherwise(
    'the policy "never", and DPS leaves the thumbprint as it is: only deleting the identity helps',
    async (t) => {
      const scene = await factoryScene(t, { neverPolicyRefreshesThumbprint: false });
      const { far, gateway, operator, stolen } = scene;
      await operator.types('enroll add individual --certificate gw-0001.pem --policy never');
      await begin(scene);
      const since = far.log.entries.length;
      await operator.types('enroll reprovision gw-0001 --action roll', 1);
      const { next } = await gateway.status();
      operator.fetch(gateway, 'next.pem');
      await operator.types('enroll remove-current primary gw-0001 --certificate next.pem');
      await operator.types('enroll reprovision gw-0001 --wait 0');
      await refusedForGood(gateway);
      const stuck = await gateway.until(({ phase, request }) => phase === 'serving' && request === undefined);
      holds(stuck, { online: true, person: true, leaf: { thumbprint: stolen.thumbprint } });
      assert.equal(presence(far, since).offlineMs, 0, 'the old leaf is all that the hub knows');

      await operator.types('enroll forget gw-0001');
      const thumbprint = next?.leaf?.thumbprint ?? '';
      await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
      holds(await gateway.settled(), { person: false, leaf: { thumbprint } });
      await keptOut(far, ID, stolen);
      account(t, scene, since);
    },
  );
});

complete('individual breach', 'individual breach of both');
