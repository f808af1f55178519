import type { Failure } from '../failure/failure.ts';
import type { Assignment, KeyRef, Leaf, Slot } from './leaf.ts';

/** For what the key of a candidate is there: a roll, a leaf that a person brings, or the next roll. */
export type Purpose = 'roll' | 'delivery' | 'spare';

/** Who brought a leaf: the issuer, a person in front of the gateway, or the back end by a direct method. */
export type Source = 'issuer' | 'person' | 'hub';

/** Asked for again at `askAt` (wall clock, milliseconds), because of this. */
export interface Rest {
  readonly failure: Failure;
  readonly askAt: number;
}

interface Rungs {
  /** Rungs of its ladder that are used: how often it was refused, or got no answer. */
  readonly tries: number;
}

interface KeyAlone extends Rungs {
  readonly for: Purpose;
  /** Its issuer refuses, or the token makes no key. */
  readonly rest?: Rest;
}

/** Its key is to be made. */
export interface KeyWanted extends KeyAlone {
  readonly is: 'key-wanted';
  readonly slot: Exclude<Slot, 'given'>;
  /** CKA_ID (hex): written first, so that no unknown key is left after a power cut. */
  readonly id: string;
}

/** The key is in the token, and there is no leaf for it yet. */
export interface KeyMade extends KeyAlone {
  readonly is: 'key-made';
  readonly key: KeyRef;
}

interface Issued extends Rungs {
  readonly leaf: Leaf;
  readonly from: Source;
}

/** From here on DPS may trust it, whatever it answers: going back must be a registration, too. */
export interface Sent extends Issued {
  readonly is: 'sent';
  /** Why it was parked before. */
  readonly last?: Failure;
}

/** DPS has accepted it. */
export interface Assigned extends Issued {
  readonly is: 'assigned';
  readonly assignment: Assignment;
}

/** DPS or the hub refuse it, or do not answer: it is kept, and asked for again. */
export interface Parked extends Issued {
  readonly is: 'parked';
  readonly rest: Rest;
}

/** It makes room as soon as DPS trusts the current leaf again. */
export interface Unwanted extends Issued {
  readonly is: 'unwanted';
  readonly rest: Rest;
  /** The hub refuses it for good · a person has discarded it · its key is lost. */
  readonly because: 'refused' | 'discarded' | 'key-lost';
}

/**
 *   key-wanted → key-made → sent → assigned → proven: it is the current leaf
 *       with a rest: asked   └── parked ──┘
 *       again by a ladder          └────→ unwanted → gone
 */
export type Candidate = KeyWanted | KeyMade | Sent | Assigned | Parked | Unwanted;

type WithLeaf = Exclude<Candidate, KeyWanted | KeyMade>;

export const hasLeaf = (next: Candidate | undefined): next is WithLeaf => next !== undefined && 'leaf' in next;

export const leafIn = (next: Candidate | undefined): Leaf | undefined => (hasLeaf(next) ? next.leaf : undefined);

/** Its key, also one that an interrupted attempt may have left in the token. */
export function keyOf(next: Candidate): KeyRef {
  if (hasLeaf(next)) return next.leaf.key;
  return next.is === 'key-made' ? next.key : { slot: next.slot, id: next.id };
}

/** Its key, once it is in the token. */
export const madeKeyOf = (next: Candidate | undefined): KeyRef | undefined =>
  next === undefined || next.is === 'key-wanted' ? undefined : keyOf(next);

/** Why it is not asked for now, and when it will be. */
export const restOf = (next: Candidate | undefined): Rest | undefined =>
  next !== undefined && 'rest' in next ? next.rest : undefined;

/** What it has met, and not overcome: also while it is asked for again. Of one that a person has discarded nothing is expected. */
export function metBy(next: Candidate | undefined): Failure | undefined {
  if (next?.is === 'unwanted' && next.because === 'discarded') return undefined;
  return restOf(next)?.failure ?? (next !== undefined && 'last' in next ? next.last : undefined);
}
