import type { Code, Failure } from '../failure/failure.ts';
import type { Candidate } from './candidate.ts';
import { type Assignment, type KeyRef, type Leaf, placeOf, type Slot } from './leaf.ts';
import { type Phase, type Retired, retiringOf } from './phase.ts';

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
  | 'key-lost'
  | 'last-resort';

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
interface Poisoned {
  readonly effect: string;
  readonly at: number;
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

/** All fields that must change together: written as one file, before any effect is tried. */
export interface RollState {
  /** Follows from the other fields (phase.ts). */
  readonly phase: Phase;
  readonly current?: Leaf;
  /** The candidate: the generation that is to become current. */
  readonly next?: Candidate;
  /** The answer of DPS for the current leaf. */
  readonly assignment?: Assignment;
  /** Keys that are to be destroyed. Never the key of current or next. */
  readonly retire: readonly Retired[];
  /** The current leaf is to be registered, and DPS has not answered yet. */
  readonly ask?: true;
  /** Every automatic way has been refused: a person is needed. */
  readonly stranded?: true;
  /** The hub has refused the current leaf, and DPS has not confirmed it since. */
  readonly rejected: boolean;
  /** Refusals by the hub since DPS said "assigned"; absent once the hub has accepted. The hub can lag DPS. */
  readonly grace?: number;
  /** How many assignments in a row the hub did not honour. */
  readonly unproven: number;
  /** The thumbprint for which the one automatic roll after a refusal by DPS was spent. */
  readonly rolledFor?: string;
  /** The slow probe while stranded. */
  readonly probe?: { readonly times: number; readonly askAt: number };
  /** How near the end of the current leaf is, once its renewal is overdue. */
  readonly alarm?: Alarm;
  /** What hinders the work, and what hinders the session (troubles.ts). */
  readonly workTrouble?: Hindrance;
  readonly sessionTrouble?: Hindrance;
  /** Effects that have poisoned a process and not succeeded since, the newest first, bounded. */
  readonly poisoned?: readonly Poisoned[];
  /** In flight. */
  readonly request?: Request;
  /** Accepted, begins at `startAt`. */
  readonly scheduled?: Request & { readonly startAt: number };
  /** The newest first, bounded. */
  readonly outcomes: readonly Outcome[];
  /** The registration: ID scope, registration ID and endpoint, as one string. */
  readonly registered?: string;
  /** Token bucket of methods and automatic actions. */
  readonly budget: { readonly left: number; readonly at: number };
  readonly lastRollAt?: number;
  /** Wall clock when a server was last proven by TLS: the clock is not credible before it. */
  readonly lastSeen?: number;
  /** The newest first, bounded. */
  readonly trail: readonly Transition[];
  /** The open session: `thumbprint@place`. Not written: a start begins without one. */
  readonly online?: string;
  /** Sessions in a row that ended within a minute. Not written. */
  readonly flaps: number;
  /** Attempts in a row that no hub answered. Not written: it would wear out the flash of a gateway that is offline. */
  readonly unreached: number;
  /** Attempts in a row for which the key of the current leaf was not in the token. Not written, for the same reason. */
  readonly keyless?: number;
  /** Registrations in a row that DPS did not answer. Not written, for the same reason. */
  readonly unheard?: number;
}

export type RollEffect =
  | { readonly kind: 'generate-key'; readonly slot: Exclude<Slot, 'given'>; readonly id: string }
  | { readonly kind: 'request-leaf'; readonly key: KeyRef }
  | { readonly kind: 'register'; readonly leaf: Leaf }
  | { readonly kind: 'connect'; readonly leaf: Leaf; readonly assignment: Assignment }
  | { readonly kind: 'destroy-key'; readonly key: KeyRef };

export type Decision =
  /** Same key: the leaf is renewed with the key that it has. */
  | { readonly action: Action; readonly reason: Reason; readonly why: string; readonly sameKey?: true }
  /** Every automatic way has been refused: a person is needed. */
  | { readonly action: 'strand'; readonly why: string }
  /** Give the parked candidate up. */
  | { readonly action: 'drop'; readonly why: string }
  | { readonly action: 'ignore'; readonly why: string; readonly untilMs?: number };

/**
 * Stays: why no new process could use the current leaf (`Ports.opensAnew`). Again: no process ends for it (poison.ts). IsSure: the
 * token has not only failed to show the key.
 */
type Lasting = { readonly stays?: Failure; readonly again?: true; readonly isSure?: true };

/** `at` is the wall clock in milliseconds, `draw` a random number in [0, 1): the machine itself has neither. */
export type RollEvent = {
  readonly at: number;
  readonly draw: number;
} /** `isIssuerChanged`: its settings were changed since it has refused. */ & (
  | { readonly kind: 'started'; readonly given?: Leaf; readonly isIssuerChanged?: true }
  /** `isSetBack`: the clock was set back while the process has been running. */
  | { readonly kind: 'woken'; readonly isSetBack?: true }
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

export interface Step {
  readonly state: RollState;
  /** The effects that should be in flight now: at most one piece of work and one session with the current leaf. */
  readonly effects: readonly RollEffect[];
  /** Nothing changed, the same effect is to be tried again later. */
  readonly retry?: Failure;
}

/** With `retry` the same effect is to be tried again later. `met`: the trouble, where it is another than the failure itself. */
export type Moved = RollState | { readonly state: RollState; readonly retry?: Failure; readonly met?: Failure };

export const unprovisioned: RollState = {
  phase: 'unprovisioned',
  retire: [],
  rejected: false,
  unproven: 0,
  outcomes: [],
  budget: { left: 0, at: 0 },
  trail: [],
  flaps: 0,
  unreached: 0,
};

export const session = (leaf: Leaf, assignment: Assignment) => `${leaf.thumbprint}@${placeOf(assignment)}`;

/** Start-up is "read the journal, perform `effectsOf(state)`": there is no separate recovery code. */
export function effectsOf(state: RollState): readonly RollEffect[] {
  const work = workOf(state);
  const kept = sessionOf(state);
  return [...(work === undefined ? [] : [work]), ...(kept === undefined ? [] : [kept])];
}

function workOf(state: RollState): RollEffect | undefined {
  const { phase, current, next } = state;
  const retiring = retiringOf(state);
  switch (phase) {
    case 'registering-next':
    case 'connecting-next':
    case 'generating-key':
    case 'requesting-leaf':
      return next && ofCandidate(next);
    case 'registering':
    case 'abandoning':
      return current && { kind: 'register', leaf: current };
    case 'retiring-key':
      return retiring && { kind: 'destroy-key', key: { slot: retiring.slot, id: retiring.id } };
    default:
      return undefined;
  }
}

function ofCandidate(next: Candidate): RollEffect | undefined {
  switch (next.is) {
    case 'key-wanted':
      return { kind: 'generate-key', slot: next.slot, id: next.id };
    case 'key-made':
      return { kind: 'request-leaf', key: next.key };
    case 'sent':
      return { kind: 'register', leaf: next.leaf };
    case 'assigned':
      return { kind: 'connect', leaf: next.leaf, assignment: next.assignment };
    default:
      return undefined;
  }
}

/** The session with the current leaf is kept, whatever DPS says; only a refusal by the hub itself ends it. */
function sessionOf({ current, assignment, rejected, online }: RollState): RollEffect | undefined {
  if (current === undefined || assignment === undefined || rejected) return undefined;
  if (online === session(current, assignment)) return undefined;
  return { kind: 'connect', leaf: current, assignment };
}
