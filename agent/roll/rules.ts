import type { Failure } from '../failure/failure.ts';
import { GRACE_REFUSALS, probeMs } from './backoff.ts';
import { budgetLeft, isCharged } from './budget.ts';
import { hasLeaf, restOf } from './candidate.ts';
import { isOutranked, keepsKey, lacksKey, remaining } from './look.ts';
import { clockFloor, dueAt, isCredible } from './plan.ts';
import type { Circumstances, Rule, Signal } from './signal.ts';
import { busyWith, isProbeOfCurrent } from './single-flight.ts';
import type { Action, Decision, Outcome, Reason, RollState } from './state.ts';

/** An assignment that the hub refuses twice in a row: asking DPS a third time does not help. */
const UNPROVEN_ASSIGNMENTS = 2;

/** Refusals that a new leaf may cure. A disabled enrollment refuses every leaf. */
const leafAtFault = new Set<Failure['code']>(['NL-DPS-401002', 'NL-DPS-404201', 'NL-DPS-REJECTED']);

const ignore = (why: string, untilMs?: number): Decision => ({
  action: 'ignore',
  why,
  ...(untilMs !== undefined && { untilMs }),
});

/** The same answer to each signal of a kind. */
const each =
  (kind: Signal['kind'], decision: Decision): Rule =>
  (signal) =>
    signal.kind === kind ? decision : undefined;

/** Work at each signal of a kind, which is the reason, too. */
const acting = (kind: Signal['kind'] & Reason, action: Action, why: string): Rule =>
  each(kind, { action, reason: kind, why });

/** A hub that lags DPS would otherwise cost a registration for each of its refusals. */
export const graceRule: Rule = (signal, { state }) => {
  if (signal.kind !== 'rejected' || state.grace === undefined || state.grace + 1 >= GRACE_REFUSALS) return undefined;
  return ignore('the hub can lag DPS for some minutes after an assignment');
};

/** Under a CA no registration makes the hub accept it later: its key gets another leaf, by the ladder of the candidate. */
export const candidateRejectedRule: Rule = (signal, { state, terms }) => {
  if (signal.kind !== 'candidate-rejected' || terms.trust !== 'ca') return undefined;
  const isForGood = (state.grace ?? 0) + 1 >= GRACE_REFUSALS;
  return isForGood ? { action: 'drop', why: signal.kind } : ignore('the hub can lag DPS for some minutes');
};

/** Asking DPS again does not cure a disabled hub identity, or a policy that never re-provisions (situations 12 and 41). */
export const assignedButRefusedRule: Rule = (signal, circumstances) => {
  const { state, terms } = circumstances;
  if (signal.kind !== 'rejected' || state.grace === undefined) return undefined;
  const isTried = hasLeaf(state.next) && state.next.is !== 'parked';
  if (terms.trust === 'ca' && (isTried || isWaitingRoll(state))) return ignore('another leaf is on its way');
  if (needsOtherLeaf(circumstances)) return undefined;
  if (state.unproven + 1 < UNPROVEN_ASSIGNMENTS) return undefined;
  return { action: 'strand', why: 'DPS assigns, and the hub refuses, twice in a row' };
};

/** Two pieces of work on one identity would undo each other. The work in flight is not lost by this: it goes on. */
export const singleFlightRule: Rule = (signal, { state }) => {
  const why = busyWith(signal, state);
  return why === undefined ? undefined : ignore(why);
};

/** A back end out of control must not wear out the token, the CA or DPS. */
export const budgetRule: Rule = (signal, { state, terms, now }) => {
  if (!isCharged(signal) || budgetLeft(state, terms, now) >= 1) return undefined;
  const waitMs = ((1 - budgetLeft(state, terms, now)) * 3_600_000) / terms.requestsPerHour;
  return ignore('the budget of this hour is spent', now + waitMs);
};

/** limits.min_roll_interval; a technician and the first provisioning need not wait. */
export const rollIntervalRule: Rule = (signal, circumstances) => {
  const { state, terms, now } = circumstances;
  if (signal.kind === 'provisioning' || !rolls(signal, circumstances) || state.lastRollAt === undefined)
    return undefined;
  if (signal.kind === 'asked' && signal.request.from === 'technician') return undefined;
  const until = state.lastRollAt + terms.minRollIntervalMs;
  return now >= state.lastRollAt && now < until ? ignore('the last roll began a moment ago', until) : undefined;
};

/** A clock that cannot be right judges no leaf expired (a gateway without a battery boots in 1970). */
export const clockRule: Rule = (signal, { state, terms, now }) => {
  const judges = signal.kind === 'due' || signal.kind === 'candidate-expired';
  if (!judges || isCredible(state, terms, now)) return undefined;
  return ignore(`the clock is not credible: it cannot be before ${new Date(clockFloor(state, terms)).toISOString()}`);
};

/** No server accepts it any more. */
export const candidateExpiredRule = each('candidate-expired', { action: 'drop', why: 'candidate-expired' });

/** The key of the waiting CSR makes room. */
export const newKeyRule = each('new-key', { action: 'drop', why: 'another key is asked for' });

/** A delivered leaf was verified before it came here. */
export const deliveredRule = acting('delivered', 'roll', 'a leaf was delivered');

/** A hub that accepts each new leaf, and refuses it a moment later, would get one every six minutes. */
const CURES_AN_HOUR = 2;

/** Under a CA the hub judges the leaf alone: where DPS has named this hub a moment ago, one that waits may cure it, or a new one, once. */
function needsOtherLeaf({ state, terms, now }: Circumstances): boolean {
  const { grace, next, current, rolledFor, outcomes } = state;
  if (terms.trust !== 'ca' || grace === undefined) return false;
  const cures = outcomes.filter(({ reason, action, endedAt }) => {
    return reason === 'rejected' && action === 'roll' && endedAt <= now && endedAt > now - 3_600_000;
  });
  if (!hasLeaf(next) && cures.length >= CURES_AN_HOUR) return false;
  return hasLeaf(next) || current?.thumbprint !== rolledFor;
}

/** The hub knows another leaf, or the gateway was moved: DPS says which. */
export const rejectedRule: Rule = (signal, circumstances) => {
  if (signal.kind !== 'rejected') return undefined;
  return needsOtherLeaf(circumstances)
    ? { action: 'roll', reason: 'rejected', why: 'DPS assigns the hub, which refuses the leaf: one roll may cure it' }
    : { action: 're-register', reason: 'rejected', why: 'the hub refuses the leaf' };
};

/** The hub may be gone for good, or the gateway was moved: only DPS can tell (situations 15 and 17). */
export const unreachedRule = acting('unreached', 're-register', 'no hub has answered for a quarter of an hour or more');

/** A new key and a new leaf: the lost key is not destroyed, so a read that failed costs nothing but this. */
export const keyLostRule: Rule = (signal, { state, terms }) => {
  if (signal.kind !== 'key-lost') return undefined;
  if (!terms.automatic) return ignore('this issuer waits for a person to deliver a leaf');
  const { next } = state;
  const isUseless = isOutranked(state, terms) || (hasLeaf(next) && keepsKey(state, next.leaf.key));
  const hasOther = restOf(next) !== undefined && next?.is !== 'unwanted' && !isUseless;
  if (hasOther) return ignore('a candidate is parked');
  return { action: 'roll', reason: 'key-lost', why: 'the key of the current leaf is not in the token' };
};

/** A second leaf for one key is less than a new key, and more than no leaf. */
export const lastResortRule: Rule = (signal) =>
  signal.kind === 'last-resort'
    ? { action: 'roll', reason: 'last-resort', why: 'the token makes no other key', sameKey: true }
    : undefined;

/** leaf.rotate_key = false, while the token has that key. */
export function withKey(decision: Decision, { state, terms }: Circumstances): Decision {
  const keeps = decision.action === 'roll' && terms.keepKey && state.current !== undefined && !lacksKey(state);
  return keeps ? { ...decision, sameKey: true } : decision;
}

/** The leaf of a factory key is registered as it is. */
export const givenKeyRule = acting('given-key', 're-register', 'the token brought a leaf of its own');

/** The first leaf. */
export const provisioningRule = acting('provisioning', 'roll', 'there is no leaf yet');

/** The next rung of a ladder is due: of a parked candidate, or of a stranded gateway. */
export const probeRule: Rule = (signal, { state, terms }) => {
  if (signal.kind !== 'probe') return undefined;
  const asksIssuer = restOf(state.next) !== undefined && !hasLeaf(state.next) && !isProbeOfCurrent(signal, state);
  // Under a CA a look-up alone cures nothing that a hub refuses: another leaf does, or one that waits.
  const asksOther = terms.trust === 'ca' && state.stranded === true && state.rejected;
  return asksIssuer || asksOther
    ? { action: 'roll', reason: 'probe', why: 'time to ask the issuer again' }
    : { action: 're-register', reason: 'probe', why: 'time to ask DPS again' };
};

/** Without any leaf a re-registration means the first provisioning; with a TPM a roll means another key from DPS. */
function rolls(signal: Signal, { state, terms }: Circumstances): boolean {
  const { current, next } = state;
  if (terms.attestation === 'tpm') return false;
  if (signal.kind === 'due' || signal.kind === 'provisioning') return true;
  if (signal.kind !== 'asked') return false;
  return signal.request.action === 'roll' || (current === undefined && !hasLeaf(next));
}

/** A CSR is out, or is about to be made: a person brings the leaf. */
export function personRule(signal: Signal, circumstances: Circumstances): Decision | undefined {
  if (circumstances.terms.automatic || !rolls(signal, circumstances)) return undefined;
  // Another leaf cannot be delivered beside one that waits for its enrollment.
  if (signal.kind === 'asked' && signal.discard === true) return { action: 'drop', why: 'discarded' };
  return ignore('this issuer waits for a person to deliver a leaf');
}

/** A direct method, or a technician. */
export function askedRule(signal: Signal, circumstances: Circumstances): Decision | undefined {
  if (signal.kind !== 'asked') return undefined;
  return { action: rolls(signal, circumstances) ? 'roll' : 're-register', reason: 'asked', why: 'asked' };
}

/** The leaf is older than leaf.renew_at allows, or has expired. */
export function dueRule(signal: Signal, { state, terms, now }: Circumstances): Decision | undefined {
  if (signal.kind !== 'due' || state.current === undefined) return undefined;
  // The candidate waits for its enrollment, or its issuer refused: it has a schedule of its own.
  if (restOf(state.next) !== undefined && !isOutranked(state, terms)) return ignore('a candidate is parked');
  const failed = state.outcomes.findIndex(({ reason, outcome }) => reason !== 'due' || outcome === 'done');
  const until = pausedUntil(failed === -1 ? state.outcomes : state.outcomes.slice(0, failed), state, now);
  if (until !== undefined) return ignore('the last renewal failed a moment ago', until);
  const due = new Date(dueAt(state.current, terms.renewAt) ?? now).toISOString();
  const why = now >= state.current.notAfter ? 'the leaf has expired' : `the leaf was due at ${due}`;
  return { action: 'roll', reason: 'due', why };
}

/** DPS may refuse the new configuration for days, while the hub accepts the leaf: it is not asked each minute. */
export function configurationRule(signal: Signal, { state, now }: Circumstances): Decision | undefined {
  if (signal.kind !== 'configuration') return undefined;
  const done = state.outcomes.findIndex(({ outcome }) => outcome === 'done');
  const since = done === -1 ? state.outcomes : state.outcomes.slice(0, done);
  const failed = since.filter(({ reason }) => reason === 'configuration');
  const until = signal.isNew ? undefined : pausedUntil(failed, state, now);
  if (until !== undefined) return ignore('DPS refused this configuration a moment ago', until);
  return { action: 're-register', reason: 'configuration', why: 'the configuration changed what was registered' };
}

/** An attempt that is refused takes no longer, in milliseconds: an issuer, DPS, and what a hub may refuse. */
const ATTEMPT_MS = 10 * 60_000;

/**
 * The end of a ladder's pause after these failures, the newest first; undefined where there is no pause. An attempt that took
 * long, as its way back to the current leaf waited for DPS, has had its pause: two ladders in a row would be two hours.
 */
function pausedUntil(failed: readonly Outcome[], state: RollState, now: number): number | undefined {
  const [last] = failed;
  if (last === undefined || now < last.endedAt) return undefined;
  const waited = Math.max(0, last.endedAt - last.at - ATTEMPT_MS);
  const until = last.endedAt + probeMs(failed.length, 0.5, remaining(state, now)) - waited;
  return now < until ? until : undefined;
}

/** A roll that was interrupted to register the current leaf, and has no leaf of its own yet. */
const isWaitingRoll = ({ request, next }: RollState): boolean =>
  request?.action === 'roll' && next !== undefined && !hasLeaf(next);

/** DPS refuses the current leaf: the operator may have replaced the CA. One roll for each refused leaf, then a person. */
export function dpsRefusedRule(signal: Signal, { state, terms }: Circumstances): Decision | undefined {
  if (signal.kind !== 'dps-refused') return undefined;
  const { current, rolledFor, next, rejected, request, online } = state;
  if (isWaitingRoll(state)) return ignore('a roll is under way already, and waits for its issuer');
  // A request on a gateway that is well: the hub accepts the leaf, so the leaf is not at fault.
  if (!rejected && online !== undefined && request?.reason === 'asked')
    return ignore('the hub accepts the leaf that DPS refuses');
  // Under a CA, DPS has not seen the leaf.
  const isSeen = terms.trust === 'leaf';
  const rollable = terms.automatic && leafAtFault.has(signal.failure.code) && isSeen && !hasLeaf(next);
  if (rollable && current?.thumbprint !== rolledFor) {
    return { action: 'roll', reason: 'dps-refused', why: 'DPS refuses the current leaf: one roll may cure it' };
  }
  if (rejected) return { action: 'strand', why: 'hub and DPS refuse every leaf' };
  // Never assigned: there is no hub that could accept it.
  if (state.assignment === undefined) return { action: 'strand', why: 'DPS refuses the leaf of the token' };
  return ignore('DPS refuses the current leaf, but the hub still accepts it');
}
