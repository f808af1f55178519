import { areaOf, type Failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import { failureFields } from '../machine/failure-fields.ts';
import type { Leaf } from '../roll/leaf.ts';
import { unprovisioned } from '../roll/state.ts';
import { isCredible } from '../roll/terms.ts';
import type { DaemonOptions } from './options.ts';

const MINUTE = 60_000;
/** A clock that is right may be some hours behind, but less than a day. */
const SOON_MS = 24 * 60 * MINUTE;
/** How often a leaf that is not valid yet is checked, in milliseconds. */
const OFTEN_MS = MINUTE;
const SELDOM_MS = 10 * MINUTE;

type Options = Pick<DaemonOptions, 'clock' | 'given' | 'log' | 'terms'>;

/**
 * The leaf that a factory has put into the token. A useless one (expired, for another name) is reported, and newleaf gets one
 * of its own; for one that is not valid yet it waits, as most likely the clock is wrong (a gateway without a battery boots in
 * 1970). A token that fails says nothing about its leaf: the process ends, and the next one asks again.
 */
export class FirstLeaf {
  readonly #options: Options;
  #failure: Failure | undefined;
  /** Wall clock: the validity of a leaf depends on it. */
  #looked = { at: Number.POSITIVE_INFINITY, again: Number.NEGATIVE_INFINITY };

  constructor(options: Options) {
    this.#options = options;
  }

  /** Why it is not used. */
  get failure(): Failure | undefined {
    return this.#failure;
  }

  /**
   * @returns undefined where there is no useful one
   * @throws as the token does
   */
  async look(): Promise<Leaf | undefined | 'later'> {
    const { clock, given, log, terms } = this.#options;
    const now = clock.now();
    // Earlier than the last look: the clock has been set back.
    if (now >= this.#looked.at && now < this.#looked.again) return 'later';
    try {
      const leaf = await given();
      this.#failure = undefined;
      return leaf;
    } catch (error) {
      const failure = failureOf(error);
      if (areaOf(failure) !== 'LEAF') throw error;
      if (failure.code !== this.#failure?.code) log.warn({ event: 'given-leaf-unusable', ...failureFields(failure) });
      this.#failure = failure;
      const { code, retryAfterMs: waitMs = 0 } = failure;
      if (code !== 'NL-LEAF-NOT-YET' || (waitMs > SOON_MS && isCredible(unprovisioned, terms, now))) return undefined;
      this.#looked = { at: now, again: now + Math.min(SELDOM_MS, Math.max(OFTEN_MS, waitMs)) };
      return 'later';
    }
  }
}
