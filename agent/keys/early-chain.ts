import { Fault } from '../failure/failure.ts';
import type { Issuer } from '../roll/ports.ts';

/**
 * A chain that begins further ahead than this is not kept: a CA with a clock so far ahead will be corrected, and then issues a
 * better one.
 */
const LONGEST_KEPT_MS = 24 * 3_600_000;

/**
 * Keeps a chain that is not valid yet by our clock, until it is valid or refused: at each new request the CA would issue
 * another one, as new as the last.
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
   * Judges a chain, and keeps it where its only fault is that it is too early. Another chain that is delivered meanwhile and
   * refused does not replace it.
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

/** How much too early an otherwise good chain comes, in milliseconds. */
function earlyBy(error: unknown): number {
  if (!(error instanceof Fault) || error.failure.code !== 'NL-LEAF-NOT-YET') return Number.POSITIVE_INFINITY;
  return error.failure.retryAfterMs ?? 0;
}
