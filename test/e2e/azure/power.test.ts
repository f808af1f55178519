import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Entry } from '../../simulator/log.ts';
import { type Moment, phase, type Since, seen } from '../stage/moment.ts';
import { PATIENCE_MS } from '../stage/site.ts';
import { type AzureSite, azureServing, azureSite, nextHour } from './site.ts';

/** The same, which knows the leaf of before. */
type LeafMoment = (at: AzureSite, since: Since, old: string) => ReturnType<Moment>;

const meets =
  (event: Entry['event']): LeafMoment =>
  ({ far }, since, old) =>
    far.log.waitFor(
      (one) => one.server === 'hub1' && one.event === event && one.thumbprint !== old,
      PATIENCE_MS,
      since.far,
    );

const FIRST = {
  'at generating-key': phase('generating-key'),
  'at requesting-leaf': phase('requesting-leaf'),
} as const;
const LAST = {
  'at registering-next': phase('registering-next'),
  'at connecting-next': phase('connecting-next'),
  'as the hub meets the new leaf': meets('tls'),
  'as the hub has accepted it': meets('connected'),
  'as the twin is read with it': meets('twin'),
} as const;
const RETIRES = { 'at retiring-key': phase('retiring-key'), 'at serving': phase('serving') } as const;
const BY_DPS = {
  ...FIRST,
  'as DPS gets the registration': seen({ event: 'register' }),
  'as DPS has issued': seen({ event: 'assigned' }),
  'as DPS is polled': seen({ event: 'poll' }),
  ...LAST,
};
const OVER_HUB = {
  ...FIRST,
  'as the hub gets the request': seen({ event: 'credentials' }),
  'as the hub has issued': seen({ event: 'issued' }),
  ...LAST,
};

const leavesOf = async ({ far }: AzureSite): Promise<number> =>
  (await far.namespaceState()).devices[0]?.leaves.length ?? 0;

/** A power cut at the moment, and what becomes of it. @returns the leaf that serves then */
async function cutAt(at: AzureSite, moment: LeafMoment, old: string, begin: () => Promise<unknown>): Promise<string> {
  const { far, gateway } = at;
  const before = await leavesOf(at);
  await nextHour(gateway);
  const since = { far: far.log.entries.length, log: gateway.log.lines.length };
  const cut = moment(at, since, old).then(() => gateway.stop('SIGKILL'));
  // The answer may be lost in the cut: the request is on disk before it is given.
  await Promise.allSettled([begin()]);
  assert.equal(await cut, 'SIGKILL');
  assert.ok(gateway.token.privateKeys().length <= 3, 'two keys, and the factory key');
  await gateway.start();
  const { leaf, next } = await gateway.settled();
  assert.notEqual(leaf?.thumbprint, old, 'the roll was finished');
  assert.equal(next, undefined);
  assert.deepEqual(gateway.token.privateKeys(), ['factory', `newleaf-${leaf?.slot}`]);
  assert.ok((await leavesOf(at)) <= before + 2, 'a lost answer costs one further leaf');
  return leaf?.thumbprint ?? '';
}

suite('power is cut in the middle of a roll, and Azure issues', { concurrency: true }, () => {
  for (const [what, moments, settings] of [
    ['over the hub', { ...OVER_HUB, ...RETIRES }, {}],
    ['by DPS', { ...BY_DPS, ...RETIRES }, { 'issuer.azure.hub_api_version': '"2021-04-12"' }],
  ] as const) {
    test(what, async (t) => {
      const at = await azureServing(t, { settings });
      let current = at.thumbprint;
      for (const [name, moment] of Object.entries<LeafMoment>(moments)) {
        await t.test(name, async () => {
          current = await cutAt(at, moment, current, () => at.gateway.post('/v1/roll', { id: name }));
        });
      }
    });
  }

  test('the first leaf', async (t) => {
    for (const [name, moment] of Object.entries<LeafMoment>(BY_DPS)) {
      await t.test(name, async (one) => {
        const at = await azureSite(one);
        await cutAt(at, moment, '', () => at.gateway.start());
        const met = at.far.log.matching({ server: 'hub1', event: 'connected' });
        assert.equal(new Set(met.map(({ thumbprint }) => thumbprint)).size, 1);
      });
    }
  });
});
