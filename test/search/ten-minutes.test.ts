import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultOf } from './faults.ts';
import { DAY, Gateway, MINUTE } from './gateway.ts';

/** A month is for a test by name: `DAYS=30 node --import tsx --test test/search/ten-minutes.test.ts` takes some minutes. */
const DAYS = Number(process.env.DAYS ?? 1);
const LIFETIME_MS = 10 * MINUTE;
/** Due at 66 % of its life, less up to 5 % of it by its serial. */
const DAILY = { least: DAY / (0.67 * LIFETIME_MS), most: DAY / (0.59 * LIFETIME_MS) };

for (const [what, fault] of [
  ['the hub renews it', undefined],
  ['the hub knows no renewal, and DPS issues each', 'hub: knows no renewal'],
] as const) {
  test(`a leaf of ten minutes, for ${DAYS} days: ${what}`, async (t) => {
    const origin = { seed: 1, enrollment: 'group', begins: 'new', automatic: true } as const;
    const gateway = new Gateway({ ...origin, leftMs: 0, lifetimeMs: LIFETIME_MS, onboardingLeftMs: 1_000 * DAY });
    if (fault !== undefined) gateway.lay(faultOf(fault));
    gateway.start();
    await gateway.clock.pass(MINUTE);
    const { calls, token } = gateway.world;
    const provisioned = calls['reach DPS'].length;
    let offline = 0;
    let keys = 0;
    for (let minute = 1; minute < (DAYS * DAY) / MINUTE; minute += 1) {
      await gateway.clock.pass(MINUTE);
      if (!gateway.isOnline) offline += 1;
      keys = Math.max(keys, token.card?.keys.size ?? 0);
    }
    gateway.stop();
    const leaves = calls.certificate.length / DAYS;
    t.diagnostic(`${leaves} leaves a day, ${calls['reach DPS'].length} registrations in all`);
    assert.deepEqual([offline, gateway.broken, gateway.restarts], [0, [], 0]);
    assert.ok(keys <= 2, `${keys} keys`);
    assert.ok(leaves >= DAILY.least && leaves <= DAILY.most, `${leaves} leaves a day`);
    assert.equal(calls['reach DPS'].length, fault === undefined ? provisioned : calls.certificate.length);
  });
}
