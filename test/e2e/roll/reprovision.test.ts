import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Switches } from '../../simulator/switches.ts';
import { holds } from '../holds.ts';
import { cut, PATIENCE_MS } from '../site.ts';
import { account, neverOut } from './presence.ts';
import { ID, type Scene, scene } from './scene.ts';

interface Way {
  readonly how: string;
  readonly call: (scene: Scene) => Promise<unknown>;
  /** The hub refuses the device until it has registered. */
  readonly isOut?: true;
  readonly switches?: Partial<Switches>;
}

/** A hub that knows neither leaf, as after a restore from a backup. */
async function forgetLeaf({ far, operator }: Scene): Promise<void> {
  await operator.setThumbprint(ID, 'A'.repeat(64));
  await cut(far);
}

const ways: readonly Way[] = [
  { how: 'by "unauthorized": the identity was deleted', call: ({ operator }) => operator.forget(ID), isOut: true },
  { how: 'by "unauthorized": the hub knows another leaf', call: forgetLeaf, isOut: true },
  {
    how: 'by "unauthorized": answered at once by DPS',
    call: ({ operator }) => operator.forget(ID),
    isOut: true,
    switches: { answerAtOnce: true },
  },
  {
    how: 'by direct method',
    call: async ({ operator }) => assert.equal((await operator.reprovision(ID)).status, 202),
  },
  { how: 'by job', call: ({ operator }) => operator.reprovisionByJob("tags.site = 'north'") },
  { how: 'by job, to everybody', call: ({ operator }) => operator.reprovisionByJob('*') },
];

suite('reprovision while the old and the new leaf are both enrolled', { concurrency: true }, () => {
  for (const { how, call, isOut, switches } of ways) {
    test(how, async (t) => {
      const made = await scene(t, switches);
      const { far, gateway, operator, leafPem } = made;
      await operator.admit('group', 'gateways', { primary: far.endpoints.issuerPem });
      await gateway.start();
      const { leaf } = await gateway.settled();
      // From here on it is an individual: the new leaf waits until it is enrolled, beside the old one.
      const old = leafPem('leaf.pem');
      await operator.admit('individual', ID, { primary: old });
      far.registries.hub1.patchTags(ID, { site: 'north' });
      await gateway.post('/v1/roll');
      const { next } = await gateway.until((status) => status.next?.standing === 'parked');
      await operator.admit('individual', ID, { primary: old, secondary: leafPem('next.pem') });
      const since = far.log.entries.length;

      await call(made);
      const thumbprint = next?.leaf?.thumbprint ?? '';
      await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
      const status = await gateway.settled();
      const presence = account(t, far, since, ID);
      if (isOut) assert.ok(presence.offlineMs > 0 && presence.offlineMs < PATIENCE_MS);
      else neverOut(presence);
      holds(status, { person: false, leaf: { thumbprint } });
      assert.equal(status.next, undefined);
      holds(await far.device(ID), { thumbprints: { primary: leaf?.thumbprint, secondary: thumbprint } });
      const asked = far.log.since(since).filter(({ event }) => event === 'register');
      assert.deepEqual(
        asked.map((entry) => entry.thumbprint),
        [thumbprint],
        'DPS is asked once, for the new leaf',
      );
    });
  }
});
