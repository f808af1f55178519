import type { Failure } from '../failure/failure.ts';
import { probeMs } from './backoff.ts';
import { clockFloor, dueAt, isCredible, type Terms } from './plan.ts';
import { remaining } from './settle.ts';
import { isProbeOfCurrent, waitsFor } from './single-flight.ts';
import type { Decision, Outcome, Request, RollState } from './state.ts';

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

/**
 * How often the hub may refuse right after DPS said "assigned" before it is believed: 1, 2, 4 … 60 s add up to 5 minutes.
 * Right after a registry change CONNACK 5 can be transient for seconds to minutes (azure-iot-sdk-c issue 373).
 */
export const GRACE_REFUSALS = 10;
/** An assignment that the hub does not honour twice in a row will not be honoured by asking DPS a third time. */
const UNPROVEN_ASSIGNMENTS = 2;

/** Refusals that a new leaf may cure. A disabled enrollment refuses every leaf. */
const leafAtFault = new Set<Failure['code']>(['NL-DPS-401002', 'NL-DPS-404201', 'NL-DPS-REJECTED']);

const ignore = (why: string, untilMs?: number): Decision => ({
  action: 'ignore',
  why,
  ...(untilMs !== undefined && { untilMs }),
});

/** Asked by method, or begun by newleaf itself: it counts against the budget. A technician, a due leaf and a probe do not. */
function isCharged(signal: Signal): boolean {
  if (signal.kind === 'asked' || signal.kind === 'delivered') return signal.request.from === 'method';
  return signal.kind === 'rejected' || signal.kind === 'configuration' || signal.kind === 'new-key';
}

/** Token bucket: `burst` at once, `requestsPerHour` in the long run. */
export function budgetLeft({ budget }: RollState, { requestsPerHour, burst }: Terms, now: number): number {
  // What was spent further ahead than a bucket takes to fill was spent by a clock that has been set back since.
  if (budget.at > now + (burst * 3_600_000) / requestsPerHour) return burst;
  const earned = (Math.max(0, now - budget.at) * requestsPerHour) / 3_600_000;
  return Math.min(burst, budget.left + earned);
}

/** First to answer wins. The order is the policy; each rule has its reason beside it. */
export const RULES: readonly (readonly [name: string, rule: Rule])[] = [
  // A hub that lags DPS would otherwise cost a registration for each of its refusals.
  [
    'grace',
    (signal, { state }) =>
      signal.kind === 'rejected' && state.grace !== undefined && state.grace + 1 < GRACE_REFUSALS
        ? ignore('the hub can lag DPS for some minutes after an assignment')
        : undefined,
  ],
  // A hub identity that is disabled, or a policy that never re-provisions, is not cured by asking DPS again (azure.md rows 12, 41).
  [
    'assigned-but-refused',
    (signal, { state }) =>
      signal.kind === 'rejected' && state.unproven + 1 >= UNPROVEN_ASSIGNMENTS && state.grace !== undefined
        ? { action: 'strand', why: 'DPS assigns, and the hub refuses, twice in a row' }
        : undefined,
  ],
  // Two pieces of work on one identity would undo each other. What is in flight is not lost by this: it goes on.
  [
    'single-flight',
    (signal, { state }) => {
      const why = waitsFor(signal, state);
      return why === undefined ? undefined : ignore(why);
    },
  ],
  // A back end gone wild must not wear out the token, the CA or DPS.
  [
    'budget',
    (signal, { state, terms, now }) => {
      if (!isCharged(signal) || budgetLeft(state, terms, now) >= 1) return undefined;
      const waitMs = ((1 - budgetLeft(state, terms, now)) * 3_600_000) / terms.requestsPerHour;
      return ignore('the budget of this hour is spent', now + waitMs);
    },
  ],
  [
    'roll-interval',
    (signal, standing) => {
      const { state, terms, now } = standing;
      if (signal.kind === 'provisioning' || !rolls(signal, standing) || state.lastRollAt === undefined)
        return undefined;
      if (signal.kind === 'asked' && signal.request.from === 'technician') return undefined;
      const until = state.lastRollAt + terms.minRollIntervalMs;
      return now >= state.lastRollAt && now < until ? ignore('the last roll began a moment ago', until) : undefined;
    },
  ],
  // Nothing is judged expired by a clock that cannot be right (a gateway without a battery boots in 1970).
  [
    'clock',
    (signal, { state, terms, now }) =>
      (signal.kind === 'due' || signal.kind === 'candidate-expired') && !isCredible(state, terms, now)
        ? ignore(`the clock is not credible: it cannot be before ${new Date(clockFloor(state, terms)).toISOString()}`)
        : undefined,
  ],
  [
    'candidate-expired',
    (signal) => (signal.kind === 'candidate-expired' ? { action: 'drop', why: signal.kind } : undefined),
  ],
  [
    'new-key',
    (signal) => (signal.kind === 'new-key' ? { action: 'drop', why: 'another key is asked for' } : undefined),
  ],
  ['person', personRule],
  ['due', dueRule],
  ['asked', askedRule],
  [
    'delivered',
    (signal) =>
      signal.kind === 'delivered' ? { action: 'roll', reason: 'delivered', why: 'a leaf was delivered' } : undefined,
  ],
  [
    'rejected',
    (signal) =>
      signal.kind === 'rejected'
        ? { action: 're-register', reason: 'rejected', why: 'the hub refuses the leaf' }
        : undefined,
  ],
  ['dps-refused', dpsRefusedRule],
  // The hub may be gone for good, or we have been moved: nobody can tell us so but DPS (azure.md rows 15 and 17).
  [
    'unreached',
    (signal) =>
      signal.kind === 'unreached'
        ? { action: 're-register', reason: 'unreached', why: 'no hub has answered for a quarter of an hour or more' }
        : undefined,
  ],
  ['configuration', configurationRule],
  [
    'given-key',
    (signal) =>
      signal.kind === 'given-key'
        ? { action: 're-register', reason: 'given-key', why: 'the token brought a leaf of its own' }
        : undefined,
  ],
  [
    'provisioning',
    (signal) =>
      signal.kind === 'provisioning'
        ? { action: 'roll', reason: 'provisioning', why: 'there is no leaf yet' }
        : undefined,
  ],
  [
    'probe',
    (signal, { state }) =>
      signal.kind !== 'probe'
        ? undefined
        : state.next?.parked !== undefined && state.next.leaf === undefined && !isProbeOfCurrent(signal, state)
          ? { action: 'roll', reason: 'probe', why: 'time to ask the issuer again' }
          : { action: 're-register', reason: 'probe', why: 'time to ask DPS again' },
  ],
];

/** Without any leaf a re-registration means the first provisioning; by a TPM a roll means another key from DPS. */
function rolls(signal: Signal, { state, terms }: Standing): boolean {
  const { current, next } = state;
  if (terms.attestation === 'tpm') return false;
  if (signal.kind === 'due' || signal.kind === 'provisioning') return true;
  if (signal.kind !== 'asked') return false;
  return signal.request.action === 'roll' || (current === undefined && next?.leaf === undefined);
}

function personRule(signal: Signal, standing: Standing): Decision | undefined {
  if (standing.terms.automatic || !rolls(signal, standing)) return undefined;
  return ignore('this issuer waits for a person to deliver a leaf');
}

function askedRule(signal: Signal, standing: Standing): Decision | undefined {
  if (signal.kind !== 'asked') return undefined;
  return { action: rolls(signal, standing) ? 'roll' : 're-register', reason: 'asked', why: 'asked' };
}

function dueRule(signal: Signal, { state, terms, now }: Standing): Decision | undefined {
  if (signal.kind !== 'due' || state.current === undefined) return undefined;
  // The candidate waits for its enrollment, or its issuer refused: it has a schedule of its own.
  if (state.next?.parked !== undefined) return ignore('a candidate is parked');
  const failed = state.outcomes.findIndex(({ reason, outcome }) => reason !== 'due' || outcome === 'done');
  const until = pausedUntil(failed === -1 ? state.outcomes : state.outcomes.slice(0, failed), state, now);
  if (until !== undefined) return ignore('the last renewal failed a moment ago', until);
  const expired = now >= state.current.notAfter;
  return {
    action: 'roll',
    reason: 'due',
    why: expired
      ? 'the leaf has expired'
      : `the leaf was due at ${new Date(dueAt(state.current, terms.renewAt) ?? now).toISOString()}`,
  };
}

/** DPS may refuse what the configuration says for days, while the hub is content: it is not asked each minute. */
function configurationRule(signal: Signal, { state, now }: Standing): Decision | undefined {
  if (signal.kind !== 'configuration') return undefined;
  const done = state.outcomes.findIndex(({ outcome }) => outcome === 'done');
  const since = done === -1 ? state.outcomes : state.outcomes.slice(0, done);
  const failed = since.filter(({ reason }) => reason === 'configuration');
  const until = signal.isNew ? undefined : pausedUntil(failed, state, now);
  if (until !== undefined) return ignore('DPS refused this configuration a moment ago', until);
  return { action: 're-register', reason: 'configuration', why: 'the configuration changed what was registered' };
}

/** Until when a ladder pauses that has failed so often, the newest first; undefined where it does not. */
function pausedUntil(failed: readonly Outcome[], state: RollState, now: number): number | undefined {
  const [last] = failed;
  if (last === undefined || now < last.endedAt) return undefined;
  const until = last.endedAt + probeMs(failed.length, 0.5, remaining(state, now));
  return now < until ? until : undefined;
}

/** A roll that was interrupted to register the current leaf, and has no leaf of its own yet. */
const isWaitingRoll = ({ request, next }: RollState): boolean =>
  request?.action === 'roll' && next !== undefined && next.leaf === undefined;

/** DPS refuses the current leaf: a CA may have been rolled under us. One roll for each refused leaf, then a person. */
function dpsRefusedRule(signal: Signal, { state, terms }: Standing): Decision | undefined {
  if (signal.kind !== 'dps-refused') return undefined;
  const { current, rolledFor, next, rejected, request, online } = state;
  if (isWaitingRoll(state)) return ignore('a roll is under way already, and waits for its issuer');
  // Somebody asked a gateway that is well: the leaf that the hub takes is not at fault.
  if (!rejected && online !== undefined && request?.reason === 'asked')
    return ignore('the hub accepts the leaf that DPS refuses');
  const rollable = terms.automatic && leafAtFault.has(signal.failure.code) && next?.leaf === undefined;
  if (rollable && current?.thumbprint !== rolledFor) {
    return { action: 'roll', reason: 'dps-refused', why: 'DPS refuses the current leaf: one roll may cure it' };
  }
  if (rejected) return { action: 'strand', why: 'hub and DPS refuse every leaf there is' };
  // Never assigned: there is no hub that could accept it.
  if (state.assignment === undefined) return { action: 'strand', why: 'DPS refuses what the token brought' };
  return ignore('DPS refuses the current leaf, but the hub still accepts it');
}

/** Decides what a signal calls for. */
export function decide(signal: Signal, standing: Standing): Decision & { readonly rule: string } {
  for (const [name, rule] of RULES) {
    const decision = rule(signal, standing);
    if (decision !== undefined) return { ...decision, rule: name };
  }
  return { ...ignore('no rule asks for anything'), rule: 'otherwise' };
}
