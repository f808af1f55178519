import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Entry } from '../../simulator/log.ts';
import type { Switches } from '../../simulator/switches.ts';
import { holds } from '../holds.ts';
import { PATIENCE_MS } from '../site.ts';
import { type By, enrolledCa, type Level } from './enrolled-ca.ts';
import type { Policy } from './operator.ts';
import { account, neverOut } from './presence.ts';
import { begin, comesBack, GROUP, ID, scene } from './scene.ts';

interface Row {
  readonly ca: Level;
  readonly by: By;
  /** How the gateway is told to turn over a leaf of the new CA. */
  readonly call: 'method' | 'job';
  readonly policy?: Policy;
  readonly switches?: Partial<Switches>;
}

const rows: readonly Row[] = [
  { ca: 'root', by: 'certificate', call: 'method' },
  { ca: 'root', by: 'name', call: 'job', switches: { refusalShape: 'failed' } },
  { ca: 'root', by: 'name', call: 'method', policy: 'never' },
  { ca: 'intermediate', by: 'certificate', call: 'job', switches: { enrolledIssuerMayBeLeftOut: false } },
  { ca: 'intermediate', by: 'certificate', call: 'method', policy: 'reset', switches: { answerAtOnce: true } },
  { ca: 'intermediate', by: 'name', call: 'method', switches: { estSendsChain: true } },
];

const titleOf = ({ ca, by, call, policy, switches = {} }: Row): string =>
  [
    `a secondary ${ca}, enrolled by ${by}: ${call}`,
    ...(policy ? [`policy ${policy}`] : []),
    ...Object.entries(switches).map((one) => one.join(' ')),
  ].join(', ');

suite('an enrollment group before a CA expires', { concurrency: true }, () => {
  for (const row of rows) {
    test(titleOf(row), async (t) => {
      const { ca, by, call, policy, switches } = row;
      const made = await scene(t, switches);
      const { far, gateway, operator } = made;
      const primary = await enrolledCa(far, ca, by, far.endpoints.issuerPem);
      await operator.admit('group', GROUP, { primary }, policy);
      await begin(made);
      const { leaf } = await gateway.status();
      const since = far.log.entries.length;

      const secondary = await enrolledCa(far, ca, by, await far.rollIssuer(ca));
      await operator.admit('group', GROUP, { primary, secondary }, policy);
      holds(await comesBack(made), { leaf: { thumbprint: leaf?.thumbprint }, last: { outcome: 'done' } });
      const payload = { action: 'roll', id: 'to the new CA' };
      if (call === 'job') await operator.reprovisionByJob(`deviceId = '${ID}'`, payload);
      else assert.equal((await operator.reprovision(ID, payload)).status, 202);
      const isRolled = (entry: Entry) => entry.event === 'connected' && entry.thumbprint !== leaf?.thumbprint;
      const { thumbprint = '' } = await far.log.waitFor(isRolled, PATIENCE_MS, since);
      await gateway.settled();

      // Every member has a leaf of the new CA: it becomes the primary, and the old one is admitted no more.
      await operator.admit('group', GROUP, { primary: secondary }, policy);
      const status = await comesBack(made);
      holds(status, { person: false, leaf: { thumbprint }, last: { outcome: 'done' } });
      holds(await far.device(ID), { thumbprints: { primary: thumbprint } });
      neverOut(account(t, far, since, ID));
      assert.equal(far.log.count({ event: 'issued' }), 2);
    });
  }
});
