export interface Rate {
  readonly count: number;
  /** Milliseconds. */
  readonly ms: number;
}

/**
 * So many requests in so much time. How Azure counts is not documented. `bucket`: what is not used flows back evenly, up to
 * `count`; `window`: the count begins anew with each whole `ms`. Both accept the same number over a long time.
 */
export class Quota {
  readonly #now: () => number;
  readonly #rate: Rate;
  readonly #by: 'bucket' | 'window';
  #left: number;
  #at: number;

  /** @param now monotonic clock, milliseconds */
  constructor(now: () => number, rate: Rate, by: 'bucket' | 'window' = 'bucket') {
    this.#now = now;
    this.#rate = rate;
    this.#by = by;
    this.#left = rate.count;
    this.#at = now();
  }

  /** Whether one more is accepted. One that is not costs the quota nothing. */
  take(): boolean {
    const { count, ms } = this.#rate;
    const now = this.#now();
    if (this.#by === 'bucket') {
      this.#left = Math.min(count, this.#left + ((now - this.#at) / ms) * count);
      this.#at = now;
    } else if (now - this.#at >= ms) {
      this.#left = count;
      this.#at = now - ((now - this.#at) % ms);
    }
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
