import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { holds } from '../stage/holds.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { complete } from './complete.ts';
import { plays } from './matters.ts';
import { account, neverOut } from './presence.ts';
import {
  begin,
  factoryScene,
  ID,
  individualScene,
  otherwise,
  refusedForGood,
  rowsHere,
  titleOf,
  usually,
  type Variant,
} from './scene.ts';

const STORY = 'individual expiry';
const DAY = 24 * 3_600_000;

interface Row extends Variant {
  /** How the gateway is told to come back. */
  readonly call: string;
  readonly lag?: number;
}

const METHOD = 'enroll reprovision gw-0001';
const JOB = 'enroll reprovision --job "deviceId = \'gw-0001\'"';
const TECHNICIAN = 'newleaf reprovision --wait';

const rows: readonly Row[] = [
  { call: METHOD },
  { call: JOB, policy: 'never' },
  { call: TECHNICIAN, policy: 'reset' },
  { call: METHOD, lag: 2 },
  { call: METHOD, switches: { refusalShape: 'failed', estSendsChain: true, infoAlone: 'may-move' } },
  { call: METHOD, switches: { answerAtOnce: true, infoAlone: 'refused' } },
  { call: JOB, switches: { retryAfter: '3' } },
  { call: METHOD, switches: { retryAfter: '' } },
];

suite('an individual enrollment before a leaf expires: the secondary', { concurrency: 4 }, () => {
  for (const row of rowsHere(rows)) {
    test(`${titleOf(row.call, row)}${row.lag ? ', the hub lags' : ''}`, async (t) => {
      const { call, policy, switches, lag } = row;
      plays(STORY, switches);
      const scene = await individualScene(t, switches, policy);
      const { far, gateway, operator } = scene;
      const since = far.log.entries.length;

      await operator.types('enroll reprovision gw-0001 --action roll', 1);
      const { next } = await gateway.status();
      const thumbprint = next?.leaf?.thumbprint ?? '';
      await operator.types('enroll set-secondary gw-0001 --from-device');
      if (lag) await far.lay('hub1', 'transient-5', { times: lag });
      if (call === TECHNICIAN) assert.equal((await gateway.command('reprovision', '--wait')).code, 0);
      else await operator.types(call);
      await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
      await gateway.settled();
      if (lag) await far.lift('hub1');
      const known = { thumbprints: { primary: thumbprint, secondary: thumbprint } };
      holds(await far.device(ID), known);

      // The old leaf is out of use: the secondary becomes the primary, and only its leaf is admitted from now on.
      await operator.types('enroll promote gw-0001 --from-device');
      await operator.types('enroll reprovision gw-0001');
      holds(await gateway.settled(), { person: false, leaf: { thumbprint } });
      holds(await far.device(ID), known);
      neverOut(account(t, scene, since));
      assert.equal(far.log.count({ event: 'issued' }), 2);
    });
  }

  usually('a leaf from the factory is due: it serves until its successor is enrolled', async (t) => {
    const scene = await factoryScene(t, {}, { lifetimeMs: 30 * DAY, backdateMs: 335 * DAY });
    const { far, gateway, operator, stolen } = scene;
    await operator.types('enroll add individual --certificate gw-0001.pem');
    await begin(scene);
    // What is due is looked at once a minute, and at a start.
    await gateway.stop();
    const mark = far.log.entries.length;
    await gateway.start();
    const { seq } = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
    const { next } = await gateway.until((status) => status.next?.standing === 'parked');
    holds(await gateway.settled(), { leaf: { thumbprint: stolen.thumbprint }, last: { reason: 'due' } });
    await far.log.waitFor(
      ({ event, body }) => event === 'reported' && JSON.stringify(body).includes('"standing":"parked"'),
      PATIENCE_MS,
    );
    await operator.types('enroll set-secondary gw-0001 --from-device');
    await operator.types('enroll reprovision gw-0001');
    holds(await gateway.settled(), { person: false, leaf: { thumbprint: next?.leaf?.thumbprint } });
    neverOut(account(t, scene, seq));
  });

  otherwise('the policy "never", and DPS leaves the thumbprint as it is: the old leaf serves on', async (t) => {
    const switches = { neverPolicyRefreshesThumbprint: false };
    plays(STORY, switches);
    const scene = await individualScene(t, switches, 'never');
    const { far, gateway, operator } = scene;
    const { leaf } = await gateway.status();
    const since = far.log.entries.length;
    await operator.types('enroll reprovision gw-0001 --action roll', 1);
    operator.fetch(gateway, 'next.pem');
    await operator.types('enroll set-secondary gw-0001 --certificate next.pem');
    await operator.types('enroll reprovision gw-0001 --wait 0');
    await refusedForGood(gateway);
    const status = await gateway.settled();
    holds(status, { leaf: { thumbprint: leaf?.thumbprint }, last: { outcome: 'kept', code: 'NL-HUB-REJECTED' } });
    neverOut(account(t, scene, since));
  });
});

complete(STORY);
