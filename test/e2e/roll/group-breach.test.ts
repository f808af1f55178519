import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Entry } from '../../simulator/log.ts';
import { holds } from '../stage/holds.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { complete } from './complete.ts';
import { type By, CAS, enrolledCa, type Level } from './enrolled-ca.ts';
import { plays } from './matters.ts';
import { account } from './presence.ts';
import { begin, factoryScene, ID, rowsHere, titleOf, type Variant } from './scene.ts';
import { keptOut } from './thief.ts';

/** The hub forgets the device, or the operator calls it first. */
const FORGET = 'enroll forget gw-0001';
const ROLL = 'enroll reprovision gw-0001 --action roll';

interface Row extends Variant {
  readonly way: typeof FORGET | typeof ROLL;
  readonly by?: By;
}

const rows: readonly Row[] = [
  { way: FORGET },
  { way: ROLL },
  { way: ROLL, by: 'name', policy: 'never' },
  { way: FORGET, by: 'name', switches: { refusalShape: 'failed', enrolledIssuerMayBeLeftOut: false } },
  { way: FORGET, policy: 'never', switches: { neverPolicyRefreshesThumbprint: false, retryAfter: '' } },
  { way: FORGET, switches: { retryAfter: '3' } },
  { way: ROLL, switches: { answerAtOnce: true, enrolledIssuerMayBeLeftOut: false, estSendsChain: true } },
];

suite('an enrollment group after a breach', { concurrency: 4 }, () => {
  for (const ca of ['root', 'intermediate'] as const satisfies readonly Level[]) {
    for (const row of rowsHere(rows)) {
      const { way, by = 'certificate', policy = 'migrate', switches } = row;
      test(titleOf(`a compromised ${ca}, enrolled by ${by}: ${way}`, row), async (t) => {
        plays(`group breach of the ${ca}`, switches);
        const scene = await factoryScene(t, switches);
        const { far, gateway, operator, stolen } = scene;
        const { issuerPem } = far.endpoints;
        const [old, young] = CAS[ca];
        await operator.types(
          `enroll add group gateways ${await enrolledCa(scene, ca, by, issuerPem, old)} --policy ${policy}`,
        );
        await begin(scene);
        // Whoever has the key of the CA makes himself a leaf with any name.
        const forged = await far.clientIdentity(ID);
        const since = far.log.entries.length;

        const next = await enrolledCa(scene, ca, by, await far.rollIssuer(ca), young);
        await operator.types(`enroll roll-group ${ca} gateways ${next} --at-once`);
        await operator.types(way);
        const isRolled = (entry: Entry) => entry.event === 'connected' && entry.thumbprint !== stolen.thumbprint;
        const { thumbprint = '' } = await far.log.waitFor(isRolled, PATIENCE_MS, since);
        const status = await gateway.settled();

        for (const leaf of [stolen, forged]) await keptOut(far, ID, leaf);
        const { offlineMs } = account(t, scene, since);
        if (way === ROLL) assert.equal(offlineMs, 0);
        holds(status, { person: false, leaf: { thumbprint } });
        holds(await far.device(ID), { thumbprints: { primary: thumbprint, secondary: thumbprint } });
        assert.equal(far.log.count({ event: 'issued' }), 1, 'one leaf of the new CA');
        assert.equal((await gateway.status()).online, true, 'the thief disturbed nothing');
      });
    }
  }
});

complete('group breach of the root', 'group breach of the intermediate');
