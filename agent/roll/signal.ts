import type { Failure } from '../failure/failure.ts';
import type { Terms } from './plan.ts';
import type { Decision, Request, RollState } from './state.ts';

/** An event that may need an answer. */
export type Signal =
  /** Later: it begins at a moment within a delay. Discard: the present candidate is unwanted. */
  | { readonly kind: 'asked'; readonly request: Request; readonly later?: boolean; readonly discard?: boolean }
  | { readonly kind: 'rejected' }
  /** The hub refuses the candidate that DPS has assigned. */
  | { readonly kind: 'candidate-rejected' }
  | { readonly kind: 'dps-refused'; readonly failure: Failure }
  /** New: this process has just read it. */
  | { readonly kind: 'configuration'; readonly isNew: boolean }
  | { readonly kind: 'delivered'; readonly request: Request }
  | { readonly kind: 'provisioning' }
  | { readonly kind: 'given-key' }
  /** A method asks for a CSR, with another key in place of the waiting one. */
  | { readonly kind: 'new-key' }
  | { readonly kind: 'due' }
  | { readonly kind: 'unreached' }
  /** The token does not have the key of the current leaf. */
  | { readonly kind: 'key-lost' }
  /** The token makes no key, and the current leaf nears its end. */
  | { readonly kind: 'last-resort' }
  | { readonly kind: 'probe' }
  | { readonly kind: 'candidate-expired' };

export interface Circumstances {
  readonly state: RollState;
  readonly terms: Terms;
  /** Wall clock, milliseconds. */
  readonly now: number;
}

export type Rule = (signal: Signal, circumstances: Circumstances) => Decision | undefined;
