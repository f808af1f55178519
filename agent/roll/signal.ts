import type { Failure } from '../failure/failure.ts';
import type { Terms } from './plan.ts';
import type { Decision, Request, RollState } from './state.ts';

/** Something happened that may need an answer. */
export type Signal =
  /** Later: it is to begin at a moment within a delay. Discard: the candidate that is there is unwanted. */
  | { readonly kind: 'asked'; readonly request: Request; readonly later?: boolean; readonly discard?: boolean }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'dps-refused'; readonly failure: Failure }
  /** New: this process has just read it. */
  | { readonly kind: 'configuration'; readonly isNew: boolean }
  | { readonly kind: 'delivered'; readonly request: Request }
  | { readonly kind: 'provisioning' }
  | { readonly kind: 'given-key' }
  /** A method asks for a CSR, and wants another key in place of the one that waits. */
  | { readonly kind: 'new-key' }
  | { readonly kind: 'due' }
  | { readonly kind: 'unreached' }
  | { readonly kind: 'probe' }
  | { readonly kind: 'candidate-expired' };

/** What the rules may look at. */
export interface Standing {
  readonly state: RollState;
  readonly terms: Terms;
  /** Wall clock, milliseconds. */
  readonly now: number;
}

export type Rule = (signal: Signal, standing: Standing) => Decision | undefined;
