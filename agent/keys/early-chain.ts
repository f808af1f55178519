import { Fault } from '../failure/failure.ts';
import type { Issuer } from '../roll/ports.ts';

/**
 * A chain that begins later than this from now is not kept: a CA whose clock is so far ahead will be set right, and asking
 * it again then brings a better one.
 */
const LONGEST_KEPT_MS = 24 * 3_600_000;

/**
 * Keeps a chain that is not valid yet by our clock, until it is or is refused: asking again would make the CA issue another
 * one each time, as new as the last.
 */
export class EarlyChain {
  #asked: string | undefined;
  #kept: { readonly csr: string; readonly chain: string } | undefined;

  /** The issuer, asked only when no chain is kept for this CSR. */
  before(issuer: Issuer): Issuer {
    return {
      issue: async (csrPem, abort) => {
        this.#asked = csrPem;
        return this.#kept?.csr === csrPem ? this.#kept.chain : issuer.issue(csrPem, abort);
      },
    };
  }

  /**
   * Judges a chain, and keeps it where it only comes too early. Whatever else is delivered meanwhile, and refused, is no
   * reason to lose it.
   */
  watch<T>(chain: string, judge: () => T): T {
    try {
      const judged = judge();
      this.#kept = undefined;
      return judged;
    } catch (error) {
      if (this.#asked !== undefined && earlyBy(error) <= LONGEST_KEPT_MS) this.#kept = { csr: this.#asked, chain };
      else if (this.#kept?.chain === chain) this.#kept = undefined;
      throw error;
    }
  }
}

/** How much too early a chain comes that is good otherwise, in milliseconds. */
function earlyBy(error: unknown): number {
  if (!(error instanceof Fault) || error.failure.code !== 'NL-LEAF-NOT-YET') return Number.POSITIVE_INFINITY;
  return error.failure.retryAfterMs ?? 0;
}
