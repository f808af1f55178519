import { setTimeout } from 'node:timers/promises';

/** Time, passed in wherever it is needed: the wall clock can step, the monotonic clock cannot. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some moment; for durations. */
  monotonic(): number;
  /** Ends after `ms` milliseconds of monotonic time, or as soon as `abort` fires; it never throws. */
  sleep(ms: number, abort: AbortSignal): Promise<void>;
}

/** setTimeout takes a 32-bit number, and fires at once for a larger one (node: "TimeoutOverflowWarning"). */
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: Date.now,
  monotonic: () => performance.now(),
  async sleep(ms, abort) {
    try {
      await setTimeout(Math.min(ms, LONGEST_MS), undefined, { signal: abort });
    } catch {
      // The only error is the abort, which the caller made.
    }
  },
};
