import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import type { Switches } from '../../simulator/switches.ts';
import { holds } from '../holds.ts';
import { PATIENCE_MS } from '../site.ts';
import type { Policy } from './operator.ts';
import { account, neverOut } from './presence.ts';
import { begin, comesBack, factoryScene, ID, refusedForGood, type Scene, scene } from './scene.ts';

const DAY = 24 * 3_600_000;

/** A gateway with an individual enrollment: the operator enrolls its first leaf as it lies in the state directory. */
async function enrolled(
  t: TestContext,
  policy: Policy,
  switches: Partial<Switches>,
): Promise<Scene & { readonly old: string }> {
  const made = await scene(t, switches);
  const { gateway, operator, leafPem } = made;
  await gateway.start();
  await gateway.until(({ next }) => next?.standing === 'parked');
  const old = leafPem('next.pem');
  await operator.admit('individual', ID, { primary: old }, policy);
  assert.equal((await gateway.post('/v1/reprovision')).status, 202);
  await gateway.settled();
  return { ...made, old };
}

interface Row {
  /** How the gateway is told to come back. */
  readonly call: 'method' | 'job' | 'technician';
  readonly switches?: Partial<Switches>;
  readonly policy?: Policy;
  readonly lag?: number;
}

const rows: readonly Row[] = [
  { call: 'method' },
  { call: 'method', switches: { refusalShape: 'failed', answerAtOnce: true } },
  { call: 'job', policy: 'never' },
  { call: 'technician', policy: 'reset' },
  { call: 'method', lag: 2 },
];

const titleOf = ({ call, policy, lag, switches = {} }: Row): string =>
  [call, policy && `policy ${policy}`, lag && 'the hub lags', ...Object.entries(switches).map((one) => one.join(' '))]
    .filter(Boolean)
    .join(', ');

suite('an individual enrollment before a leaf expires: the secondary', { concurrency: true }, () => {
  for (const row of rows) {
    test(titleOf(row), async (t) => {
      const { call, policy = 'migrate', switches = {}, lag } = row;
      const made = await enrolled(t, policy, switches);
      const { far, gateway, operator, leafPem, old } = made;
      const since = far.log.entries.length;

      await operator.reprovision(ID, { action: 'roll' });
      const { next } = await gateway.until((status) => status.next?.standing === 'parked');
      const thumbprint = next?.leaf?.thumbprint ?? '';
      const secondary = leafPem('next.pem');
      await operator.admit('individual', ID, { primary: old, secondary }, policy);
      if (lag) await far.lay('hub1', 'transient-5', { times: lag });
      if (call === 'method') assert.equal((await operator.reprovision(ID)).status, 202);
      else if (call === 'job') await operator.reprovisionByJob(`deviceId = '${ID}'`);
      else assert.equal((await gateway.post('/v1/reprovision')).status, 202);
      await far.log.waitFor({ event: 'connected', thumbprint }, PATIENCE_MS, since);
      await gateway.settled();
      if (lag) await far.lift('hub1');

      // The old leaf is out of use: the secondary becomes the primary, and only its leaf is admitted from now on.
      await operator.admit('individual', ID, { primary: secondary }, policy);
      const status = await comesBack(made);
      holds(status, { person: false, leaf: { thumbprint } });
      holds(await far.device(ID), { thumbprints: { primary: thumbprint, secondary: thumbprint } });
      neverOut(account(t, far, since, ID));
      assert.equal(far.log.count({ event: 'issued' }), 2);
    });
  }

  test('a leaf from the factory is due: it serves until its successor is enrolled', async (t) => {
    const made = await factoryScene(t, {}, { lifetimeMs: 30 * DAY, backdateMs: 335 * DAY });
    const { far, gateway, operator, stolen, leafPem } = made;
    await operator.admit('individual', ID, { primary: stolen.cert });
    await begin(made);
    // What is due is looked at once a minute, and at a start.
    await gateway.stop();
    const mark = far.log.entries.length;
    await gateway.start();
    const { seq } = await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, mark);
    const { next } = await gateway.until((status) => status.next?.standing === 'parked');
    holds(await gateway.settled(), { leaf: { thumbprint: stolen.thumbprint }, last: { reason: 'due' } });
    await operator.admit('individual', ID, { primary: stolen.cert, secondary: leafPem('next.pem') });
    const status = await comesBack(made);
    holds(status, { person: false, leaf: { thumbprint: next?.leaf?.thumbprint }, last: { outcome: 'done' } });
    neverOut(account(t, far, seq, ID));
  });

  test('the policy "never", and DPS leaves the thumbprint as it is: the old leaf serves on', async (t) => {
    const made = await enrolled(t, 'never', { neverPolicyRefreshesThumbprint: false });
    const { far, gateway, operator, leafPem, old } = made;
    const { leaf } = await gateway.status();
    const since = far.log.entries.length;
    await operator.reprovision(ID, { action: 'roll' });
    await gateway.until((status) => status.next?.standing === 'parked');
    await operator.admit('individual', ID, { primary: old, secondary: leafPem('next.pem') }, 'never');
    await operator.reprovision(ID, { id: 'in vain' });
    await refusedForGood(gateway);
    const status = await gateway.settled();
    holds(status, { leaf: { thumbprint: leaf?.thumbprint }, last: { outcome: 'kept', code: 'NL-HUB-REJECTED' } });
    neverOut(account(t, far, since, ID));
  });
});
