import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import type { Switches } from '../../simulator/switches.ts';
import type { Gateway } from '../gateway.ts';
import { holds } from '../holds.ts';
import { PATIENCE_MS } from '../site.ts';
import { BARS } from './bars.ts';
import { account } from './presence.ts';
import { begin, GROUP, ID, refusedForGood, type Scene, scene } from './scene.ts';

const HOUR = 3_600_000;

interface Row {
  readonly who: keyof typeof BARS;
  /** A bar at DPS ends no session: the operator deletes the identity in the hub, or disables it. */
  readonly hub: 'forgets it' | 'disables it';
  readonly switches: Partial<Switches>;
  /** How often DPS is asked before the gateway goes quiet. */
  readonly asked: number;
}

// A refusal that does not say "disabled" may be cured by a new leaf: it is asked for the current one, for a new one, and
// for the current one again.
const rows: readonly Row[] = [
  { who: 'an individual enrollment', hub: 'forgets it', switches: { disabledShape: 'res-401' }, asked: 3 },
  { who: 'an individual enrollment', hub: 'disables it', switches: { disabledShape: 'failed' }, asked: 3 },
  { who: 'an individual enrollment', hub: 'forgets it', switches: { disabledShape: 'disabled' }, asked: 1 },
  { who: 'a whole group', hub: 'disables it', switches: { disabledShape: 'res-401' }, asked: 3 },
  { who: 'a whole group', hub: 'forgets it', switches: { disabledShape: 'failed' }, asked: 3 },
  { who: 'a whole group', hub: 'disables it', switches: { disabledShape: 'disabled' }, asked: 1 },
  { who: 'a whole group', hub: 'disables it', switches: { registrationEnablesDevice: true }, asked: 3 },
  { who: 'a member of a group', hub: 'forgets it', switches: { disabledShape: 'res-401' }, asked: 3 },
  { who: 'a member of a group', hub: 'disables it', switches: { disabledShape: 'disabled' }, asked: 1 },
  {
    who: 'a member of a group, by its leaf',
    hub: 'forgets it',
    switches: { individualDecidesFor: 'held-leaf', disabledShape: 'disabled' },
    asked: 1,
  },
];

const titleOf = (switches: Partial<Switches>): string =>
  Object.entries(switches)
    .map((one) => one.join(' '))
    .join(', ');

/** A gateway that came by its group, and serves. */
async function serving(t: TestContext, switches: Partial<Switches>): Promise<Scene> {
  const made = await scene(t, switches);
  await made.operator.admit('group', GROUP, { primary: made.far.endpoints.issuerPem });
  await begin(made);
  return made;
}

async function shutOut({ operator }: Scene, hub: Row['hub']): Promise<void> {
  if (hub === 'forgets it') await operator.forget(ID);
  else await operator.setIdentity(ID, 'disabled');
}

const registrations = ({ far }: Scene, since: number): number =>
  far.log.since(since).filter(({ event }) => event === 'register').length;

/** When DPS is asked next, as the state file has it. */
const nextProbe = ({ stateDirectory }: Gateway): number =>
  JSON.parse(readFileSync(join(stateDirectory, 'state.json'), 'utf8')).entry.probe.askAt;

suite('disallow and re-allow', { concurrency: true }, () => {
  for (const { who, hub, switches, asked } of rows) {
    test(`${who}, the hub ${hub}, ${titleOf(switches)}`, async (t) => {
      const made = await serving(t, switches);
      const { far, gateway, operator } = made;
      await BARS[who].bar(made);
      const since = far.log.entries.length;
      await shutOut(made, hub);
      const stranded = await gateway.until(({ phase, request }) => phase === 'stranded' && request === undefined);
      holds(stranded, { person: true, online: false });
      assert.equal(registrations(made, since), asked);
      assert.ok(nextProbe(gateway) - Date.parse(stranded.at) > HOUR - PATIENCE_MS, 'not again within this hour');
      const told = await gateway.command('status');
      assert.equal(told.code, 4, told.out + told.err);
      assert.match(told.out, /Operator: /);

      await BARS[who].allow(made);
      if (hub === 'disables it' && !switches.registrationEnablesDevice) await operator.setIdentity(ID, 'enabled');
      assert.equal(registrations(made, since), asked, 'it went quiet');
      const back = await gateway.command('reprovision', '--wait');
      assert.equal(back.code, 0, back.out + back.err);
      holds(await gateway.settled(), { online: true });
      account(t, far, since, ID);
    });
  }

  test('a hub that answers CONNACK 3 for a disabled device: no word to DPS, and back when it is enabled', async (t) => {
    const made = await serving(t, { disabledConnack: 3 });
    const { far, gateway, operator } = made;
    const { leaf } = await gateway.status();
    await operator.allow('group', GROUP, 'disabled');
    const since = far.log.entries.length;
    await operator.setIdentity(ID, 'disabled');
    await gateway.log.waitFor({ event: 'failed', code: 'NL-HUB-UNAVAILABLE' });
    await operator.allow('group', GROUP, 'enabled');
    await operator.setIdentity(ID, 'enabled');
    const back = await gateway.command('reprovision', '--wait');
    assert.equal(back.code, 0, back.out + back.err);
    holds(await gateway.settled(), { leaf: { thumbprint: leaf?.thumbprint } });
    assert.equal(registrations(made, since), 1, 'the one of the technician');
    account(t, far, since, ID);
  });

  test('held-leaf: a bar by the ID alone bars nobody', async (t) => {
    const made = await serving(t, { individualDecidesFor: 'held-leaf' });
    await BARS['a member of a group'].bar(made);
    const since = made.far.log.entries.length;
    await made.operator.forget(ID);
    await made.far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
    account(t, made.far, since, ID);
  });

  test('held-leaf: a bar by the leaf holds no longer than the leaf, unless the identity is disabled, too', async (t) => {
    const made = await serving(t, { individualDecidesFor: 'held-leaf' });
    const { far, gateway, operator } = made;
    await BARS['a member of a group, by its leaf'].bar(made);
    let since = far.log.entries.length;
    await operator.forget(ID);
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
    const { leaf } = await gateway.settled();
    holds(await gateway.status(), { last: { reason: 'dps-refused', outcome: 'done' } });
    account(t, far, since, ID);

    await operator.unbarMember(ID);
    await BARS['a member of a group, by its leaf'].bar(made);
    since = far.log.entries.length;
    await operator.setIdentity(ID, 'disabled');
    await refusedForGood(gateway);
    const stranded = await gateway.until(({ phase, request }) => phase === 'stranded' && request === undefined);
    holds(stranded, { online: false, leaf: { thumbprint: leaf?.thumbprint } });
    account(t, far, since, ID);
  });
});
