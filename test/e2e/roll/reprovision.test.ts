import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { holds } from '../stage/holds.ts';
import { cut, PATIENCE_MS } from '../stage/site.ts';
import { complete } from './complete.ts';
import { plays } from './matters.ts';
import { account, neverOut } from './presence.ts';
import { ID, individualScene, rowsHere, type Scene, titleOf, type Variant } from './scene.ts';

const STORY = 'reprovision';

interface Way extends Variant {
  readonly how: string;
  readonly call: string | ((scene: Scene) => Promise<void>);
  /** The hub refuses the device until it has registered. */
  readonly isOut?: true;
}

/** A hub that knows neither leaf, as after a restore from a backup. */
async function forgetLeaf({ far }: Scene): Promise<void> {
  await far.writeDevice('hub1', ID, 'A'.repeat(64));
  await cut(far);
}

const FORGET = {
  how: 'by "unauthorized": the identity was deleted',
  call: 'enroll forget gw-0001',
  isOut: true,
} as const;
const METHOD = { how: 'by direct method', call: 'enroll reprovision gw-0001' };
const JOB = { how: 'by job', call: 'enroll reprovision --job "tags.site = \'north\'"' };

const ways: readonly Way[] = [
  FORGET,
  METHOD,
  JOB,
  { how: 'by job, to everybody', call: 'enroll reprovision --job "*"' },
  { how: 'by "unauthorized": the hub knows another leaf', call: forgetLeaf, isOut: true },
  { ...FORGET, switches: { answerAtOnce: true, infoAlone: 'may-move' } },
  { ...FORGET, switches: { retryAfter: '3', estSendsChain: true } },
  { ...METHOD, switches: { refusalShape: 'failed', infoAlone: 'refused' } },
  { ...JOB, switches: { retryAfter: '' } },
];

suite('reprovision while the old and the new leaf are both enrolled', { concurrency: 4 }, () => {
  for (const way of rowsHere(ways)) {
    test(titleOf(way.how, way), async (t) => {
      const { call, isOut, switches } = way;
      plays(STORY, switches);
      const made = await individualScene(t, switches);
      const { far, gateway, operator } = made;
      far.registries.hub1.patchTags(ID, { site: 'north' });
      await operator.types('enroll reprovision gw-0001 --action roll', 1);
      const { next } = await gateway.status();
      await operator.types('enroll set-secondary gw-0001 --from-device');
      const since = far.log.entries.length;

      await (typeof call === 'string' ? operator.types(call) : call(made));
      const thumbprint = next?.leaf?.thumbprint ?? '';
      await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
      const status = await gateway.settled();
      const presence = account(t, made, since);
      if (isOut) assert.ok(presence.offlineMs > 0 && presence.offlineMs < PATIENCE_MS);
      else neverOut(presence);
      holds(status, { person: false, leaf: { thumbprint } });
      assert.equal(status.next, undefined);
      holds(await far.device(ID), { thumbprints: { primary: thumbprint, secondary: thumbprint } });
      const asked = far.log.since(since).filter(({ event }) => event === 'register');
      assert.deepEqual(
        asked.map((entry) => entry.thumbprint),
        [thumbprint],
        'DPS is asked once, for the new leaf',
      );
    });
  }
});

complete(STORY);
