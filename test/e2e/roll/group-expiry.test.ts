import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Entry } from '../../simulator/log.ts';
import { holds } from '../stage/holds.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { complete } from './complete.ts';
import { type By, CAS, enrolledCa, type Level } from './enrolled-ca.ts';
import { plays } from './matters.ts';
import { account, neverOut, presence } from './presence.ts';
import { begin, ID, otherwise, refusedForGood, rowsHere, scene, titleOf, type Variant } from './scene.ts';

/** How the gateway is told to turn over a leaf of the new CA, and at the end to register it again. */
const METHOD = 'enroll reprovision gw-0001';
const JOB = 'enroll reprovision --job "*"';

interface Row extends Variant {
  readonly by: By;
  readonly call: typeof METHOD | typeof JOB;
}

const rows: readonly Row[] = [
  { by: 'certificate', call: METHOD },
  { by: 'certificate', call: JOB },
  { by: 'name', call: METHOD, policy: 'never' },
  { by: 'certificate', call: JOB, switches: { enrolledIssuerMayBeLeftOut: false, infoAlone: 'refused' } },
  { by: 'certificate', call: METHOD, policy: 'reset', switches: { answerAtOnce: true, infoAlone: 'may-move' } },
  { by: 'name', call: METHOD, switches: { estSendsChain: true, retryAfter: '3' } },
  { by: 'certificate', call: METHOD, switches: { retryAfter: '' } },
];

suite('an enrollment group before a CA expires', { concurrency: 4 }, () => {
  for (const ca of ['root', 'intermediate'] as const satisfies readonly Level[]) {
    const [old, young] = CAS[ca];
    for (const row of rowsHere(rows)) {
      const { by, call, policy = 'migrate', switches } = row;
      test(titleOf(`a secondary ${ca}, enrolled by ${by}: ${call}`, row), async (t) => {
        plays(`group expiry of the ${ca}`, switches);
        const made = await scene(t, switches);
        const { far, gateway, operator } = made;
        const primary = await enrolledCa(made, ca, by, far.endpoints.issuerPem, old);
        await operator.types(`enroll add group gateways ${primary} --policy ${policy}`);
        await begin(made);
        const { leaf } = await gateway.status();
        const since = far.log.entries.length;

        const secondary = await enrolledCa(made, ca, by, await far.rollIssuer(ca), young);
        const held = switches?.infoAlone === 'refused' ? ` --pem ${old}.pem` : '';
        await operator.types(`enroll roll-group ${ca} gateways ${secondary}${held}`);
        await operator.types(METHOD);
        holds(await gateway.settled(), { leaf: { thumbprint: leaf?.thumbprint }, last: { outcome: 'done' } });
        await operator.types(`${call} --action roll`);
        const isRolled = (entry: Entry) => entry.event === 'connected' && entry.thumbprint !== leaf?.thumbprint;
        const { thumbprint = '' } = await far.log.waitFor(isRolled, PATIENCE_MS, since);

        // Every member has a leaf of the new CA: it becomes the primary, and the old one is admitted no more.
        await operator.types(`enroll promote gateways${by === 'name' ? '' : ` --pem ${young}.pem`}`);
        await operator.types(call);
        const status = await gateway.settled();
        holds(status, { person: false, leaf: { thumbprint }, last: { outcome: 'done' } });
        holds(await far.device(ID), { thumbprints: { primary: thumbprint } });
        neverOut(account(t, made, since));
        assert.equal(far.log.count({ event: 'issued' }), 2);
      });
    }

    otherwise(
      `a secondary ${ca}, the policy "never", and DPS leaves the thumbprint as it is: only a gap helps`,
      async (t) => {
        const switches = { neverPolicyRefreshesThumbprint: false };
        plays(`group expiry of the ${ca}`, switches);
        const made = await scene(t, switches);
        const { far, gateway, operator } = made;
        const primary = await enrolledCa(made, ca, 'certificate', far.endpoints.issuerPem, old);
        await operator.types(`enroll add group gateways ${primary} --policy never`);
        await begin(made);
        const { leaf } = await gateway.status();
        const since = far.log.entries.length;
        const secondary = await enrolledCa(made, ca, 'certificate', await far.rollIssuer(ca), young);
        await operator.types(`enroll roll-group ${ca} gateways ${secondary}`);
        await operator.types(`${METHOD} --action roll --wait 0`);
        await refusedForGood(gateway);
        const status = await gateway.settled();
        holds(status, { leaf: { thumbprint: leaf?.thumbprint }, last: { outcome: 'kept', code: 'NL-HUB-REJECTED' } });
        neverOut(presence(far, since));

        await operator.types(`enroll promote gateways --pem ${young}.pem`);
        await operator.types('enroll forget gw-0001');
        const isRolled = (entry: Entry) => entry.event === 'connected' && entry.thumbprint !== leaf?.thumbprint;
        await far.log.waitFor(isRolled, PATIENCE_MS, since);
        holds(await gateway.settled(), { person: false });
        account(t, made, since);
      },
    );
  }
});

complete('group expiry of the root', 'group expiry of the intermediate');
