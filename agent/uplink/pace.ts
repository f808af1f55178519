/** How fast messages go to the hub. */
export interface Pace {
  /** Messages a second. */
  readonly rate: number;
  /** Sessions in a row that ended within a minute, with messages on their way. */
  readonly brisk: number;
  /** When the rate was lowered last, by the monotonic clock in milliseconds. */
  readonly loweredAt: number;
}

/**
 * A hub that throttles has no word for it over MQTT: its PUBACKs come late, and then it closes the session (Microsoft Q&A on
 * iot-hub-devguide-quotas-throttling; azure-iot-sdk-c#1001, #1766). So the rate is halved at either, and grows again slowly.
 */
const LATE_MS = 5_000;
const LEAST_RATE = 1;
const GROWTH = 0.05;
/** The rate is not lowered twice for one and the same jam. */
const CALM_MS = 10_000;

/** Three sessions that end within a minute of CONNACK 0 mean "flapping" to the machine (roll/rules.ts). */
const BRISK_MS = 60_000;
const BRISK_FREE = 2;
const HOLD_MS = 61_000;
const LONGEST_HOLD_MS = 15 * 60_000;

export const paceOf = (rate: number): Pace => ({ rate, brisk: 0, loweredAt: Number.NEGATIVE_INFINITY });

/** After a PUBACK. @param most the configured rate */
export function acknowledged(pace: Pace, tookMs: number, at: number, most: number): Pace {
  if (tookMs <= LATE_MS) return { ...pace, rate: Math.min(most, pace.rate + GROWTH) };
  return at - pace.loweredAt < CALM_MS ? pace : lowered(pace, at);
}

/** After the end of a session. @param usedMs since its first message @param inFlight messages without PUBACK */
export function closed(pace: Pace, usedMs: number, inFlight: number, at: number): Pace {
  if (usedMs >= BRISK_MS) return { ...(inFlight === 0 ? pace : lowered(pace, at)), brisk: 0 };
  return inFlight === 0 ? pace : { ...lowered(pace, at), brisk: pace.brisk + 1 };
}

/** How many messages may be on their way at once: 300 a second over 50 ms; one by one to a hub that has just closed on them. */
export const windowOf = ({ brisk }: Pace): number => (brisk === 0 ? 16 : 1);

/**
 * How long the next session is left alone, in milliseconds: beyond the minute in which its end would be "flapping".
 */
export function holdMs({ brisk }: Pace): number {
  if (brisk < BRISK_FREE) return 0;
  return Math.min(LONGEST_HOLD_MS, HOLD_MS * 2 ** (brisk - BRISK_FREE));
}

/** Whether the hub seems to throttle. */
export const isThrottled = (pace: Pace, most: number): boolean => pace.brisk >= BRISK_FREE || pace.rate < most / 4;

const lowered = (pace: Pace, at: number): Pace => ({
  ...pace,
  rate: Math.max(LEAST_RATE, pace.rate / 2),
  loweredAt: at,
});
