/** How fast messages go to the hub. */
export interface Pace {
  /** Messages a second. */
  readonly rate: number;
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
/** Messages on their way at once: 300 a second over 50 ms. */
export const WINDOW = 16;

export const paceOf = (rate: number): Pace => ({ rate, loweredAt: Number.NEGATIVE_INFINITY });

/** After a PUBACK. @param most the configured rate */
export function acknowledged(pace: Pace, tookMs: number, at: number, most: number): Pace {
  if (tookMs <= LATE_MS) return { ...pace, rate: Math.min(most, pace.rate + GROWTH) };
  return at - pace.loweredAt < CALM_MS ? pace : lowered(pace, at);
}

/** After the hub has closed a session because it was too much. */
export const lowered = (pace: Pace, at: number): Pace => ({
  rate: Math.max(Math.min(LEAST_RATE, pace.rate), pace.rate / 2),
  loweredAt: at,
});

/** So many messages a second, and what was not used is saved up to a bound: so many may go at once. */
export class Allowance {
  readonly #most: (rate: number) => number;
  #left = Number.POSITIVE_INFINITY;
  #at = 0;

  /** @param most that may be saved up, at least 1 */
  constructor(most: (rate: number) => number) {
    this.#most = most;
  }

  /** How long until one may go, in milliseconds. */
  waitMs(rate: number, at: number): number {
    this.#left = Math.min(Math.max(1, this.#most(rate)), this.#left + ((at - this.#at) * rate) / 1000);
    this.#at = at;
    return this.#left >= 1 ? 0 : Math.ceil(((1 - this.#left) * 1000) / rate);
  }

  /** @returns whether one may go now */
  take(rate: number, at: number): boolean {
    if (this.waitMs(rate, at) > 0) return false;
    this.#left -= 1;
    return true;
  }
}
