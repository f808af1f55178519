import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AZURE_DEEDS } from './azure/deeds.ts';
import { DAY, Gateway, MINUTE, START } from './gateway.ts';
import { VirtualClock } from './virtual-clock.ts';

const GATEWAYS = 200;
const SECONDS_10 = 10_000;

/** Gateways that serve, at one DPS that takes so many registrations a minute from all of them together. */
function fleetAt(clock: VirtualClock, quota: number) {
  const taken: number[] = [];
  const throttled: number[] = [];
  const isThrottled = () => {
    const now = clock.monotonic();
    const isFull = taken.filter((at) => at > now - MINUTE).length >= quota;
    (isFull ? throttled : taken).push(now);
    return isFull;
  };
  const origin = { enrollment: 'group', begins: 'serving', automatic: true, onboardingLeftMs: 1_000 * DAY } as const;
  const gateways = Array.from({ length: GATEWAYS }, (_, seed) => {
    const gateway = new Gateway(
      { ...origin, seed, serials: `${seed}-`, leftMs: 29 * DAY, lifetimeMs: 30 * DAY },
      clock,
    );
    gateway.world.isThrottled = isThrottled;
    gateway.start();
    return gateway;
  });
  return { gateways, taken, throttled };
}

const mostIn = (moments: readonly number[], windowMs: number): number =>
  Math.max(...moments.map((from) => moments.filter((at) => at >= from && at < from + windowMs).length));

/** Of a DPS that takes 1,000 registrations a minute, the second is what 10,000 gateways meet. */
for (const [what, quota, most] of [
  ['DPS takes them all', Number.POSITIVE_INFINITY, { minutes: 10, throttled: 0, questions: 2 * GATEWAYS }],
  ['DPS takes twenty a minute', 20, { minutes: 60, throttled: 5 * GATEWAYS, questions: 2.1 * GATEWAYS }],
] as const) {
  test(`the CA of ${GATEWAYS} gateways is replaced, and ${what}`, async (t) => {
    const clock = new VirtualClock(START);
    const { gateways, taken, throttled } = fleetAt(clock, quota);
    await clock.pass(10 * MINUTE);
    const online = () => gateways.filter(({ isOnline }) => isOnline).length;
    assert.deepEqual([online(), taken.length], [GATEWAYS, 0]);
    const from = clock.monotonic();
    for (const gateway of gateways) AZURE_DEEDS['the CA is replaced, and the session ends'](gateway);
    const served: number[] = [];
    while (served.length < most.minutes && online() < GATEWAYS) {
      await clock.pass(MINUTE);
      served.push(online());
    }
    for (const gateway of gateways) gateway.stop();
    const half = served.findIndex((count) => count >= GATEWAYS / 2) + 1;
    const later = taken.filter((at) => at > from + MINUTE);
    const burst = mostIn(later, SECONDS_10);
    t.diagnostic(
      `half after ${half} min, all after ${served.length} min, ${throttled.length} throttled, ${burst} in 10 s`,
    );
    assert.equal(served.at(-1), GATEWAYS);
    assert.ok(
      gateways.every(({ world }) => world.calls.certificate.length === 1),
      'one leaf each',
    );
    // What DPS has said of the hub holds for ten minutes: who is throttled for longer asks once more.
    assert.ok(taken.length >= 2 * GATEWAYS && taken.length <= most.questions, `${taken.length} questions`);
    assert.ok(throttled.length <= most.throttled, `${throttled.length} throttled`);
    assert.ok(burst <= 0.4 * GATEWAYS, `${burst} ask for a leaf within ten seconds`);
  });
}
