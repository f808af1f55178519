import type { Code, Failure } from '../failure/failure.ts';
import type { Candidate } from './candidate.ts';
import { type Assignment, type KeyRef, type Leaf, placeOf, type Slot } from './leaf.ts';
import type { Phase, Retired } from './phase.ts';

export type Action = 're-register' | 'roll';

/** Why newleaf acts, as one word for logs and the twin; agent/cli/words.ts has the sentences. */
export type Reason =
  | 'asked'
  | 'rejected'
  | 'dps-refused'
  | 'due'
  | 'configuration'
  | 'probe'
  | 'delivered'
  | 'provisioning'
  | 'given-key'
  | 'unreached'
  | 'key-lost';

export interface Request {
  readonly id: string;
  readonly action: Action;
  readonly reason: Reason;
  readonly from: 'method' | 'technician' | 'newleaf';
  /** Wall clock, milliseconds. */
  readonly at: number;
}

/** How a request ended: done · kept (on the previous leaf) · person (a person must act) · failed. */
export interface Outcome extends Request {
  readonly outcome: 'done' | 'kept' | 'person' | 'failed';
  readonly failure?: Failure;
  readonly endedAt: number;
}

/** After this effect the module had lost its state, and the process was ended. */
export interface Poisoned {
  readonly effect: string;
  readonly at: number;
  /** How many processes in a row; 1 where it is not said. */
  readonly times?: number;
}

/** Told once each, the last one when the leaf has expired. */
export const ALARMS = ['28day', '7day', '3day', '1day', '12hour', '1hour', 'expired'] as const;
export type Alarm = (typeof ALARMS)[number];

/** A failure that has not passed. */
export interface Hindrance {
  readonly failure: Failure;
  /** When it was met last, by the wall clock, in milliseconds. */
  readonly at: number;
  /** The ID of the request that was in flight then. */
  readonly request?: string;
}

export interface Transition {
  readonly at: number;
  readonly from: Phase;
  readonly to: Phase;
  /** The event or the reason that caused it. */
  readonly why: string;
  readonly code?: Code;
}

/** The memory and its plan as status, log, twin and files see them (core/view.ts). Nothing is decided by it, and nothing stored. */
export interface RollState {
  readonly phase: Phase;
  readonly current?: Leaf;
  /** The candidate: the generation that is to become current. */
  readonly next?: Candidate;
  /** The answer of DPS for the current leaf. */
  readonly assignment?: Assignment;
  /** Keys that are to be destroyed. Never the key of current or next. */
  readonly retire: readonly Retired[];
  /** Every automatic way has been refused: a person is needed. */
  readonly stranded?: true;
  /** The hub has refused the current leaf, and DPS has not confirmed it since. */
  readonly rejected: boolean;
  /** Refusals by the hub since DPS said "assigned"; absent once the hub has accepted. The hub can lag DPS. */
  readonly grace?: number;
  /** The slow probe while stranded. */
  readonly probe?: { readonly askAt: number };
  /** How near the end of the current leaf is, once its renewal is overdue. */
  readonly alarm?: Alarm;
  /** The token signs nothing with the key of the current leaf. */
  readonly isKeyLost?: true;
  /** What hinders the work, and what hinders the session. */
  readonly workTrouble?: Hindrance;
  /** When the hindered work is tried again (wall clock, milliseconds), where that is minutes away. */
  readonly askAt?: number;
  readonly sessionTrouble?: Hindrance;
  /** In flight. */
  readonly request?: Request;
  /** Accepted, begins at `startAt`. */
  readonly scheduled?: Request & { readonly startAt: number };
  /** The newest first, bounded. */
  readonly outcomes: readonly Outcome[];
  /** The registration: ID scope, registration ID and endpoint, as one string. */
  readonly registered?: string;
  /** Wall clock when a server was last proven by TLS: the clock is not credible before it. */
  readonly lastSeen?: number;
  /** The newest first, bounded. */
  readonly trail: readonly Transition[];
  /** The open session: `thumbprint@place`. */
  readonly online?: string;
  /** Sessions in a row that ended within a minute. */
  readonly flaps: number;
}

export type RollEffect =
  | { readonly kind: 'generate-key'; readonly slot: Exclude<Slot, 'given'>; readonly id: string }
  | { readonly kind: 'request-leaf'; readonly key: KeyRef }
  | { readonly kind: 'register'; readonly leaf: Leaf }
  | { readonly kind: 'connect'; readonly leaf: Leaf; readonly assignment: Assignment }
  | { readonly kind: 'destroy-key'; readonly key: KeyRef };

export type Decision =
  | { readonly action: Action; readonly reason: Reason; readonly why: string }
  | { readonly action: 'ignore'; readonly why: string; readonly untilMs?: number };

/**
 * Stays: why no new process could use the current leaf (`Ports.opensAnew`). IsMetAnew: no process ends for it (poison.ts). IsSure: the
 * token has not only failed to show the key. Newer: the leaf that the token has in place of the current one, whose key is lost.
 */
type Lasting = { readonly stays?: Failure; readonly isMetAnew?: true; readonly isSure?: true; readonly newer?: Leaf };

/** `at` is the wall clock in milliseconds, `draw` a random number in [0, 1): the core itself has neither. */
export type RollEvent = {
  readonly at: number;
  readonly draw: number;
} /** `isIssuerChanged`: its settings were changed since it has refused. */ & (
  | { readonly kind: 'started'; readonly given?: Leaf; readonly isIssuerChanged?: true }
  /** `isSetBack`: the clock was set back while the process has been running. `isStepped`: it was set by so much that failures are tried anew. */
  | { readonly kind: 'woken'; readonly isSetBack?: true; readonly isStepped?: true }
  | { readonly kind: 'asked'; readonly request: Request; readonly delayMs: number; readonly discard: boolean }
  | {
      readonly kind: 'csr-asked';
      readonly newKey: boolean;
      readonly sameKey?: boolean;
      readonly isLost?: boolean;
      readonly from: Request['from'];
    }
  | { readonly kind: 'leaf-delivered'; readonly leaf: Leaf; readonly request: Request }
  | { readonly kind: 'key-generated'; readonly key: KeyRef }
  | { readonly kind: 'leaf-issued'; readonly leaf: Leaf }
  | { readonly kind: 'registered'; readonly thumbprint: string; readonly assignment: Assignment; readonly as: string }
  /** `hub` in the form of `placeOf`. */
  | { readonly kind: 'connected'; readonly thumbprint: string; readonly hub: string }
  | { readonly kind: 'key-destroyed'; readonly id: string }
  | ({ readonly kind: 'failed'; readonly effect: RollEffect; readonly failure: Failure } & Lasting)
  | { readonly kind: 'lost'; readonly thumbprint: string; readonly heldMs: number; readonly failure: Failure }
);

const DONE: Partial<Record<RollEvent['kind'], RollEffect['kind']>> = {
  'key-generated': 'generate-key',
  'leaf-issued': 'request-leaf',
  registered: 'register',
  connected: 'connect',
  'key-destroyed': 'destroy-key',
};

/** The effect that has just ended well. */
export const doneBy = ({ kind }: RollEvent): RollEffect['kind'] | undefined => DONE[kind];

export type Of<K extends RollEvent['kind']> = Extract<RollEvent, { kind: K }>;

export const unprovisioned: RollState = {
  phase: 'unprovisioned',
  retire: [],
  rejected: false,
  outcomes: [],
  trail: [],
  flaps: 0,
};

export const session = (leaf: Leaf, assignment: Assignment) => `${leaf.thumbprint}@${placeOf(assignment)}`;
