import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AZURE_FAULTS } from './azure/faults.ts';
import { faultOf } from './faults.ts';
import { DAY, Gateway, HOUR, MINUTE } from './gateway.ts';

/** A month is for a test by name: `DAYS=30 node --import tsx --test test/search/ten-minutes.test.ts` takes some minutes. */
const DAYS = Number(process.env.DAYS ?? 1);
const SECOND = 1_000;
const LIFETIME_MS = 10 * MINUTE;
/** Due at 66 % of its life, less up to 5 % of it by its serial. */
const DAILY = { least: DAY / (0.67 * LIFETIME_MS), most: DAY / (0.59 * LIFETIME_MS) };

/** A new gateway, whose first leaf has come. */
async function provisioned(fault: string | undefined): Promise<Gateway> {
  const origin = { seed: 1, enrollment: 'group', begins: 'new', automatic: true } as const;
  const gateway = new Gateway({ ...origin, leftMs: 0, lifetimeMs: LIFETIME_MS, onboardingLeftMs: 1_000 * DAY });
  if (fault !== undefined) gateway.lay(faultOf(fault));
  gateway.start();
  await gateway.clock.pass(MINUTE);
  return gateway;
}

const keysOf = ({ world: { token } }: Gateway): number => token.card?.keys.size ?? 0;

const leftOf = ({ known, clock }: Gateway): number => (known?.current?.notAfter ?? 0) - clock.now();

for (const [what, fault] of [
  ['the hub renews it', undefined],
  ['the hub knows no renewal, and DPS issues each', 'hub: knows no renewal'],
] as const) {
  test(`a leaf of ten minutes, for ${DAYS} days: ${what}`, async (t) => {
    const gateway = await provisioned(fault);
    const { calls } = gateway.world;
    const first = calls['reach DPS'].length;
    let offline = 0;
    let keys = 0;
    for (let minute = 1; minute < (DAYS * DAY) / MINUTE; minute += 1) {
      await gateway.clock.pass(MINUTE);
      if (!gateway.isOnline) offline += 1;
      keys = Math.max(keys, keysOf(gateway));
    }
    gateway.stop();
    const leaves = calls.certificate.length / DAYS;
    t.diagnostic(`${leaves} leaves a day, ${calls['reach DPS'].length} registrations in all`);
    assert.deepEqual([offline, gateway.broken, gateway.restarts], [0, [], 0]);
    assert.ok(keys <= 2, `${keys} keys`);
    assert.ok(leaves >= DAILY.least && leaves <= DAILY.most, `${leaves} leaves a day`);
    assert.equal(calls['reach DPS'].length, fault === undefined ? first : calls.certificate.length);
  });
}

/** A hub that ends the session over each request has none for a moment. */
const ENDS = 'hub: ends the session when it is asked for a certificate';

for (const fault of AZURE_FAULTS.keys()) {
  if (!fault.startsWith('hub: ') || fault.includes('DPS')) continue;
  test(`a leaf of ten minutes, for six hours: ${fault}`, async (t) => {
    const gateway = await provisioned(fault);
    let [offline, keys, left] = [0, 0, LIFETIME_MS];
    for (let minute = 1; minute < (6 * HOUR) / MINUTE; minute += 1) {
      await gateway.clock.pass(MINUTE);
      if (!gateway.isOnline) offline += 1;
      keys = Math.max(keys, keysOf(gateway));
      left = Math.min(left, leftOf(gateway));
    }
    gateway.stop();
    t.diagnostic(`${gateway.world.calls.certificate.length} leaves, the oldest had ${left / 1_000} s left`);
    assert.deepEqual([gateway.broken, gateway.restarts], [[], 0]);
    assert.ok(offline <= (fault === ENDS ? 6 : 0), `offline in ${offline} minutes`);
    assert.ok(keys <= 2, `${keys} keys`);
    assert.ok(left > 0, 'the leaf ended');
  });
}

for (const fault of [undefined, 'hub: knows no renewal', 'hub: sends the certificate 40 minutes later']) {
  for (const when of ['before', 'after'] as const) {
    test(`a leaf of ten minutes, and a power cut ${when} each step: ${fault ?? 'the hub renews it'}`, async (t) => {
      const gateway = await provisioned(fault);
      const { calls } = gateway.world;
      const leaves = new Set<string>();
      const landed = () => calls.write.length - gateway.cuts.length;
      let [cutFrom, keys, left, offline] = [landed(), 0, LIFETIME_MS, 0];
      for (let second = 0; second < (2 * HOUR) / SECOND; second += 1) {
        // A step that was cut before it was on the disk is let through the next time.
        if (gateway.cutAtWrite === undefined && (when === 'after' || landed() > cutFrom)) {
          cutFrom = landed();
          gateway.cutAtWrite = when;
        }
        await gateway.clock.pass(SECOND);
        if (!gateway.isOnline) offline += 1;
        keys = Math.max(keys, keysOf(gateway));
        left = Math.min(left, leftOf(gateway));
        leaves.add(gateway.known?.current?.thumbprint ?? '');
      }
      gateway.stop();
      const cuts = gateway.cuts.length;
      const issued = calls.certificate.length;
      t.diagnostic(`${cuts} cuts, ${leaves.size} leaves of ${issued}, the oldest had ${left / SECOND} s left`);
      assert.deepEqual(gateway.broken, []);
      assert.ok(cuts > 4 * leaves.size, `${cuts} cuts`);
      assert.ok(leaves.size > 10, `${leaves.size} leaves`);
      assert.ok(keys <= 2, `${keys} keys`);
      assert.ok(left > 0, 'the leaf ended');
      assert.ok(offline <= 2 * cuts, `offline in ${offline} seconds`);
      assert.ok(issued <= 2 * leaves.size, 'a lost answer costs one further leaf');
    });
  }
}
