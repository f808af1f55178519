import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { memoryOf } from '../../../agent/roll/core/entry.ts';
import { recorded } from '../../../agent/roll/core/view.ts';
import type { Gateway } from '../stage/gateway.ts';
import { holds } from '../stage/holds.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { type Bar, DEVICE, MEMBER, MEMBER_BY_LEAF, WHOLE_GROUP } from './bars.ts';
import { complete } from './complete.ts';
import { plays } from './matters.ts';
import { account } from './presence.ts';
import { otherwise, refusedForGood, rowsHere, type Scene, titleOf, type Variant } from './scene.ts';

const STORY = 'disallow';
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** A bar at DPS ends no session: the operator deletes the identity in the hub, or disables it. */
const FORGET = 'enroll forget gw-0001';
const DISABLE = 'enroll disable-identity gw-0001';
const ENABLE = 'enroll enable-identity gw-0001';

interface Row extends Variant {
  readonly bar: Bar;
  readonly hub: typeof FORGET | typeof DISABLE;
  /** How often DPS is asked before the gateway goes quiet. */
  readonly asked: number;
}

// A refusal that does not say "disabled" may be cured by a new leaf: it is asked for the current one, and for a new one. What
// it said of the current one a moment before still holds.
const rows: readonly Row[] = [
  { bar: DEVICE, hub: FORGET, asked: 1 },
  { bar: WHOLE_GROUP, hub: DISABLE, asked: 1 },
  { bar: MEMBER, hub: FORGET, asked: 1 },
  { bar: DEVICE, hub: DISABLE, switches: { disabledShape: 'failed', infoAlone: 'may-move' }, asked: 2 },
  { bar: DEVICE, hub: FORGET, switches: { disabledShape: 'res-401', infoAlone: 'refused' }, asked: 2 },
  { bar: WHOLE_GROUP, hub: FORGET, switches: { disabledShape: 'failed', answerAtOnce: true }, asked: 2 },
  { bar: WHOLE_GROUP, hub: DISABLE, switches: { infoAlone: 'refused' }, asked: 1 },
  {
    bar: WHOLE_GROUP,
    hub: DISABLE,
    switches: { disabledShape: 'res-401', registrationEnablesDevice: true, estSendsChain: true },
    asked: 2,
  },
  {
    bar: WHOLE_GROUP,
    hub: FORGET,
    switches: { disabledShape: 'res-401', enrolledIssuerMayBeLeftOut: false, retryAfter: '3' },
    asked: 2,
  },
  { bar: MEMBER, hub: DISABLE, switches: { disabledShape: 'failed', retryAfter: '' }, asked: 2 },
  { bar: MEMBER_BY_LEAF, hub: FORGET, switches: { individualDecidesFor: 'held-leaf' }, asked: 1 },
];

const registrations = ({ far }: Scene, since: number): number =>
  far.log.since(since).filter(({ event }) => event === 'register').length;

/** When DPS is asked next, as the state file has it. */
function nextProbe({ stateDirectory }: Gateway): number {
  const { entry } = JSON.parse(readFileSync(join(stateDirectory, 'state.json'), 'utf8'));
  return recorded(memoryOf(entry), Date.now()).probe?.askAt ?? Number.NaN;
}

suite('disallow and re-allow', { concurrency: 4 }, () => {
  for (const row of rowsHere(rows)) {
    const { bar, hub, switches = {}, policy, asked } = row;
    test(titleOf(`${bar.who}: ${hub}`, row), async (t) => {
      plays(STORY, switches);
      const made = await bar.serving(t, switches, policy);
      const { far, gateway, operator } = made;
      const held = switches.infoAlone === 'refused' ? (bar.held ?? '') : '';
      const since = far.log.entries.length;
      await operator.types(`${bar.disallow}${held}`);
      await operator.types(hub);
      const stranded = await gateway.until(({ phase, request }) => phase === 'stranded' && request === undefined);
      holds(stranded, { person: true, online: false });
      assert.equal(registrations(made, since), asked);
      // Two leaves are asked for by turns, so that each comes within 75 minutes (`turnMs`).
      const pause = stranded.next?.leaf === undefined ? HOUR : 36 * MINUTE;
      assert.ok(nextProbe(gateway) - Date.parse(stranded.at) > pause - PATIENCE_MS, 'not again within this hour');
      const told = await gateway.command('status');
      assert.equal(told.code, 4, told.out + told.err);
      assert.match(told.out, /Operator: /);

      await operator.types(`${bar.allow}${held}`);
      if (hub === DISABLE && !switches.registrationEnablesDevice) await operator.types(ENABLE);
      assert.equal(registrations(made, since), asked, 'it went quiet');
      const asking = performance.timeOrigin + performance.now();
      const back = await gateway.command('reprovision', '--wait');
      assert.equal(back.code, 0, back.out + back.err);
      holds(await gateway.settled(), { online: true });
      account(t, made, since);
      const { at = 0 } = far.log.matching({ event: 'connected' }).at(-1) ?? {};
      t.diagnostic(`back ${Math.round(at - asking)} ms after newleaf reprovision`);
    });
  }

  otherwise(
    'the policy "never", and DPS leaves the thumbprint as it is: the leaf that was tried meanwhile is given up',
    async (t) => {
      const switches = { neverPolicyRefreshesThumbprint: false, disabledShape: 'res-401' } as const;
      plays(STORY, switches);
      const made = await MEMBER.serving(t, switches, 'never');
      const { gateway, operator, far } = made;
      const { leaf } = await gateway.status();
      const since = far.log.entries.length;
      await operator.types(MEMBER.disallow);
      await operator.types(DISABLE);
      await gateway.until(({ phase, request }) => phase === 'stranded' && request === undefined);
      await operator.types(MEMBER.allow);
      await operator.types(ENABLE);
      assert.equal((await gateway.command('reprovision')).code, 0);
      await refusedForGood(gateway);
      holds(await gateway.settled(), { person: false, leaf: { thumbprint: leaf?.thumbprint } });
      account(t, made, since);
    },
  );

  otherwise(
    'a hub that answers CONNACK 3 for a disabled device: no word to DPS, and back when it is enabled',
    async (t) => {
      const switches = { disabledConnack: 3 } as const;
      plays(STORY, switches);
      const made = await WHOLE_GROUP.serving(t, switches);
      const { far, gateway, operator } = made;
      const { leaf } = await gateway.status();
      const since = far.log.entries.length;
      await operator.types(WHOLE_GROUP.disallow);
      await operator.types(DISABLE);
      await gateway.log.waitFor({ event: 'failed', code: 'NL-HUB-UNAVAILABLE' });
      await operator.types(WHOLE_GROUP.allow);
      await operator.types(ENABLE);
      const back = await gateway.command('reprovision', '--wait');
      assert.equal(back.code, 0, back.out + back.err);
      holds(await gateway.settled(), { leaf: { thumbprint: leaf?.thumbprint } });
      assert.equal(registrations(made, since), 1, 'the one of the technician');
      account(t, made, since);
    },
  );

  otherwise('held-leaf: a bar by the ID alone bars nobody', async (t) => {
    const switches = { individualDecidesFor: 'held-leaf' } as const;
    plays(STORY, switches);
    const made = await MEMBER.serving(t, switches);
    const { far, operator } = made;
    await operator.types(MEMBER.disallow);
    const since = far.log.entries.length;
    await operator.types(FORGET);
    await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
    account(t, made, since);
  });

  otherwise(
    'held-leaf: a bar by the leaf holds no longer than the leaf, unless the identity is disabled, too',
    async (t) => {
      const switches = { individualDecidesFor: 'held-leaf', disabledShape: 'res-401' } as const;
      plays(STORY, switches);
      const made = await MEMBER_BY_LEAF.serving(t, switches);
      const { far, gateway, operator } = made;
      await operator.types(MEMBER_BY_LEAF.disallow);
      let since = far.log.entries.length;
      await operator.types(FORGET);
      await far.log.waitFor({ event: 'connected' }, PATIENCE_MS, since);
      const { leaf } = await gateway.settled();
      holds(await gateway.status(), { last: { reason: 'dps-refused', outcome: 'done' } });
      account(t, made, since);

      await operator.types(MEMBER_BY_LEAF.allow);
      operator.fetch(gateway, 'leaf.pem');
      await operator.types(MEMBER_BY_LEAF.disallow);
      since = far.log.entries.length;
      await operator.types(DISABLE);
      await refusedForGood(gateway);
      const stranded = await gateway.until(({ phase, request }) => phase === 'stranded' && request === undefined);
      holds(stranded, { online: false, leaf: { thumbprint: leaf?.thumbprint } });
      account(t, made, since);
    },
  );
});

complete(STORY);
