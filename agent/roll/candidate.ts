import type { Failure } from '../failure/failure.ts';
import type { KeyRef, Leaf } from './leaf.ts';

/** For what the key of a candidate is there: a roll, a leaf that a person brings, or the next roll. */
export type Purpose = 'roll' | 'delivery' | 'spare';

/** Who brought a leaf: the issuer, a person in front of the gateway, or the back end by a direct method. */
export type Source = 'issuer' | 'person' | 'hub';

/** Asked for again at `askAt` (wall clock, milliseconds), because of this. */
export interface Rest {
  readonly failure: Failure;
  readonly askAt: number;
}

/**
 * The leaf that is to become current, as readers see it: read from the memory (core/view.ts), and nowhere stored.
 *
 *   key-wanted → key-made → sent → assigned → proven: it is the current leaf
 *       with a rest: asked   └── parked ──┘
 *       again by a ladder          └────→ unwanted → gone
 */
export interface Candidate {
  readonly is: 'key-wanted' | 'key-made' | 'sent' | 'assigned' | 'parked' | 'unwanted';
  /** Also one that an interrupted attempt may have left in the token. */
  readonly key: KeyRef;
  readonly for: Purpose;
  /** From here on DPS may trust it, whatever it answers: going back must be a registration, too. */
  readonly leaf?: Leaf;
  /** How often it was refused, or got no answer. */
  readonly tries: number;
  /** Why it is not asked for now, and when it will be. */
  readonly rest?: Rest;
  /** What it has met, and not overcome: also while it is asked for again. Of one that a person has discarded nothing is expected. */
  readonly met?: Failure;
  /** It makes room as soon as DPS trusts the current leaf again: a person has discarded it, or its key is lost. */
  readonly unwanted?: 'discarded' | 'key-lost';
}
