import type { Code } from '../../agent/failure/failure.ts';
import type { Faults, Whom } from './faults.ts';
import { DAY, type Gateway, HOUR, MINUTE, SPAN_MS } from './gateway.ts';
import type { Origin } from './origin.ts';

// What was thought of later: its dice are thrown last (vector.ts), so it stands apart from the faults of the older seeds.

const WHOM: readonly Whom[] = ['all', 'current', 'candidate'];
/** DPS assigns a hub that is not allowed; DPS says what no table has. */
const CODES: readonly Code[] = ['NL-DPS-HUB', 'NL-DPS-OTHER'];
const OF_A_DAY: readonly Code[] = ['NL-EST-WAIT', 'NL-EST-SERVER', 'NL-CMD-WAIT'];

export const WIDER_FAULTS: ReadonlyMap<string, Faults> = new Map<string, Faults>([
  ...CODES.flatMap((code) => WHOM.map((whom) => [`DPS: ${code}, ${whom}`, { dps: { code, whom } }] as const)),
  ...WHOM.map(
    (whom) => [`token: each handshake poisons, ${whom}`, { handshake: { code: 'NL-TOKEN-POISONED', whom } }] as const,
  ),
  ...OF_A_DAY.map((code) => [`issuer: ${code}, retry after a day`, { issuer: { code, retryAfterMs: DAY } }] as const),
  [
    'DPS: NL-DPS-THROTTLED, all, retry after a day',
    { dps: { code: 'NL-DPS-THROTTLED', whom: 'all', retryAfterMs: DAY } },
  ],
]);

/** A supply that fails, and comes back, for two hours. */
const RESTARTS = 40;

export const WIDER_DEEDS = {
  'the key of the current leaf is damaged': ({ world, known }) => world.token.damage(known?.current?.key.id),
  'key_type changed': (gateway) => {
    gateway.world.token.outdate();
    gateway.cutPower();
  },
  'a restart each three minutes': async (gateway) => {
    for (let count = 0; count < RESTARTS && gateway.clock.monotonic() < SPAN_MS; count += 1) {
      gateway.cutPower();
      await gateway.clock.sleep(3 * MINUTE);
    }
  },
  'dark until every leaf has ended': (gateway) => {
    const ends = [...gateway.world.leaves.values()].map(({ notAfter }) => notAfter);
    gateway.dark(Math.max(0, ...ends.map((end) => end - gateway.clock.now())) + HOUR);
  },
} satisfies Record<string, (gateway: Gateway) => unknown>;
export type WiderDeed = keyof typeof WIDER_DEEDS;

/** What an origin has beside that of the older seeds. */
export function widerOrigin(draw: () => number, { keepKey, onboardingLeftMs }: Origin): Partial<Origin> {
  const isSlow = draw() < 0.2;
  const isOnce = draw() < 0.25;
  // A key that is kept is signed again and again, and Azure signs for as long as it likes.
  const signsOnce = isOnce && keepKey !== true && onboardingLeftMs === undefined;
  return { ...(isSlow && { minRollIntervalMs: DAY }), ...(signsOnce && { signsOnce }) };
}
