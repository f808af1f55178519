/** How fast messages go to the hub. */
export interface Pace {
  /** Messages a second. */
  readonly rate: number;
  /** Sessions that ended within a minute, with messages on their way. */
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

/** Three sessions that end within a minute of CONNACK 0 mean "flapping" to the machine (roll/step.ts). */
const BRISK_MS = 60_000;
const BRISK_FREE = 2;
const HOLD_MS = 61_000;
const LONGEST_HOLD_MS = 15 * 60_000;
const WINDOW = 16;

export const paceOf = (rate: number): Pace => ({ rate, brisk: 0, loweredAt: Number.NEGATIVE_INFINITY });

/** After a message of QoS 0: a hub takes what it does not close the session over. @param usedMs, most as below */
export const passed = (pace: Pace, usedMs: number, most: number): Pace =>
  usedMs < BRISK_MS ? pace : { ...grown(pace, most), brisk: 0 };

/** After a PUBACK. @param usedMs since the first message of the session @param most the configured rate */
export function acknowledged(before: Pace, tookMs: number, usedMs: number, at: number, most: number): Pace {
  const pace = usedMs < BRISK_MS ? before : { ...before, brisk: 0 };
  if (tookMs <= LATE_MS) return grown(pace, most);
  return at - pace.loweredAt < CALM_MS ? pace : lowered(pace, at);
}

/**
 * After the hub, or the link, ended a session.
 * @param usedMs since its first message; undefined where there was none
 * @param isOverMessages messages were on their way
 */
export function sessionEnded(pace: Pace, usedMs: number | undefined, isOverMessages: boolean, at: number): Pace {
  // Not over messages: a link that ends within each hold must not stop them for ever.
  if (usedMs === undefined) return { ...pace, brisk: Math.max(0, pace.brisk - 1) };
  const next = isOverMessages ? lowered(pace, at) : pace;
  if (usedMs >= BRISK_MS) return { ...next, brisk: 0 };
  return isOverMessages ? { ...next, brisk: pace.brisk + 1 } : next;
}

/** How many messages may be on their way at once: 300 a second over 50 ms; one by one to a hub that has just closed on them. */
export const windowOf = ({ brisk }: Pace): number => (brisk === 0 ? WINDOW : 1);

/**
 * How long the next session is left alone, in milliseconds: beyond the minute in which its end would be "flapping".
 */
export function holdMs({ brisk }: Pace): number {
  if (brisk < BRISK_FREE) return 0;
  return Math.min(LONGEST_HOLD_MS, HOLD_MS * 2 ** (brisk - BRISK_FREE));
}

/** Whether the hub seems to throttle. */
export const isThrottled = (pace: Pace, most: number): boolean => pace.brisk >= BRISK_FREE || pace.rate < most / 4;

const grown = (pace: Pace, most: number): Pace => ({ ...pace, rate: Math.min(most, pace.rate + GROWTH) });

const lowered = (pace: Pace, at: number): Pace => ({
  ...pace,
  rate: Math.max(Math.min(LEAST_RATE, pace.rate), pace.rate / 2),
  loweredAt: at,
});

/** Messages of QoS 0 do not wait: so many go at once, and beyond that `rate` a second. */
export class Allowance {
  #left = WINDOW;
  #at = 0;

  /** @returns whether one may go now */
  take(rate: number, at: number): boolean {
    this.#left = Math.min(WINDOW, this.#left + ((at - this.#at) * rate) / 1000);
    this.#at = at;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
