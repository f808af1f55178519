import type { Failure } from '../failure/failure.ts';
import { GRACE_REFUSALS } from './backoff.ts';
import { begin } from './begin.ts';
import { type Assigned, issuedOf, type KeyMade, type KeyWanted, leafIn, type Parked } from './candidate.ts';
import { keyLost } from './key-lost.ts';
import { pending, replaceKey, secondKey, undestroyed } from './keys.ts';
import type { KeyRef } from './leaf.ts';
import { canGoBack, freeSlot, isBarred, isReplaceable, WAITING } from './look.ts';
import { accept, clearedFor, finish, giveUp, halt, park, probeOf, resumeRoll, settle, without } from './moves.ts';
import { candidateRefused, hasJustRefused, strand } from './parked.ts';
import { RETIRE_TRIES, retiringOf, wantedNow } from './phase.ts';
import type { Decision, Moved, Of, Reason, RollEvent, RollState } from './state.ts';
import { inTheWay } from './undestroyed.ts';
import { unsettled } from './unreached.ts';

/** What a failure means: an outage changes nothing, a refusal has an answer for each phase. */
export function effectFailed(state: RollState, event: Of<'failed'>, decision?: Decision): Moved {
  const { effect, failure } = event;
  const { current, next, phase } = state;
  if (effect.kind === 'destroy-key') return notDestroyed(state, event);
  const known = [current?.thumbprint, leafIn(next)?.thumbprint];
  // A late answer about a leaf that has been replaced since, or a CSR that a person has asked for.
  if ('leaf' in effect && !known.includes(effect.leaf.thumbprint)) return state;
  if (effect.kind === 'request-leaf' && phase !== 'requesting-leaf') return state;
  const isMaking = effect.kind === 'generate-key' && phase === 'generating-key' && next?.is === 'key-wanted';
  if (isMaking && failure.code === 'NL-TOKEN-OCCUPIED') return placeTaken(state, next, event);
  // A module that has lost its state ends the process: the next one goes on from here.
  const isPassing = failure.kind !== 'broken' || failure.code === 'NL-TOKEN-POISONED';
  // Neither another key nor that of the current leaf will do.
  const isOver = event.again === true || (!isPassing && next?.is === 'key-wanted' && next.isSecond === true);
  if (isMaking && isOver) return issuerRefused(state, next, event, failure);
  if ((failure.code === 'NL-TOKEN-KEY' || event.again === true) && next !== undefined) {
    const other = keyLost(state, next, event);
    if (other !== undefined) return other;
  }
  const ofCurrent = effect.kind === 'register' && effect.leaf.thumbprint === current?.thumbprint;
  // A registration that the token signs in no process has its answer, as one whose key is not there.
  if ((failure.code === 'NL-TOKEN-KEY' || event.again === true) && ofCurrent)
    return currentRefused(state, event, decision);
  if (failure.kind !== 'refused') return unsettled(state, event, decision);
  if (effect.kind === 'connect' && effect.leaf.thumbprint === current?.thumbprint)
    return rejected(state, event, decision);
  if (phase === 'registering' || phase === 'abandoning') return currentRefused(state, event, decision);
  if (next?.is === 'sent') return candidateRefused(state, next, event);
  if (next?.is === 'assigned') return candidateRejected(state, next, event, decision);
  if (next?.is !== 'key-made') return { state, retry: failure };
  const canReplace = next.isSecond !== true && isReplaceable(state, next, event);
  // The issuer does not sign for this key: it gets another, once.
  if (failure.code === 'NL-ISSUER-NEW-KEY' && canReplace)
    return secondKey(replaceKey(state, next, event, 'roll'), next.tries);
  return issuerRefused(state, next, event, failure);
}

/**
 * The slot holds a key that newleaf did not make. The other one is free where the key of the current leaf is lost, or was there
 * before newleaf; else the roll waits for a person, by the ladder of the candidate. A person asks for a CSR again.
 */
function placeTaken(state: RollState, next: KeyWanted, event: Of<'failed'>): Moved {
  const { workTrouble } = state;
  const free = freeSlot(state);
  // A session may outlive its key, so it does not prove that the other place is taken.
  if (state.current !== undefined && next.slot === free)
    return { ...state, next: { ...next, slot: free === 'a' ? 'b' : 'a' } };
  const again = { ...next, slot: free };
  // Told is the place that a person can clear, and not that of the current leaf.
  const first = workTrouble?.failure.code === event.failure.code ? workTrouble.failure : event.failure;
  const met = next.slot === free ? event.failure : first;
  return { state: next.for === 'delivery' ? unmade(state, again) : issuerRefused(state, again, event, met), met };
}

/** A CSR gets no key, though an earlier attempt may have made it in another token. Its ladder goes on, where a roll has one. */
function unmade(state: RollState, next: KeyWanted): RollState {
  return { ...state, next: { ...next, for: next.rest === undefined ? 'spare' : 'roll' } };
}

/** The issuer refuses, or delivers a useless leaf: it is asked again by the ladder of the candidate. */
export function issuerRefused(
  state: RollState,
  next: KeyWanted | KeyMade,
  event: RollEvent,
  failure: Failure,
): RollState {
  const halted = halt(state, next, event, failure);
  // Under a CA the hub has refused both leaves, and DPS has named it a moment ago.
  const isHubs = isBarred(state) && failure.code === 'NL-HUB-REJECTED';
  if (isHubs || hasJustRefused(state, event)) return strand(halted, event, failure);
  return settle(finish(halted, event, state.online ? 'kept' : 'person', failure), event);
}

/** The hub refuses the current leaf. */
function rejected(state: RollState, event: Of<'failed'>, decision?: Decision): Moved {
  const { failure } = event;
  // The cause of the earlier ends of sessions is found.
  const offline: RollState = { ...without(state, 'online'), flaps: 0 };
  const refusals = state.grace === undefined ? {} : { grace: state.grace + 1 };
  if (decision?.action === 'strand') return strand({ ...offline, rejected: true }, event, failure);
  const unproven = state.grace === undefined ? state.unproven : state.unproven + 1;
  if (decision?.action === 're-register') return begin({ ...offline, unproven, rejected: true }, event, decision);
  if (decision?.action === 'roll') return cured({ ...offline, unproven, rejected: true }, event, decision.reason);
  const resting = state.phase === 'serving' || state.phase === 'retiring-key';
  if (resting || WAITING.has(state.phase)) return { state: { ...offline, ...refusals }, retry: failure };
  return { ...offline, rejected: true };
}

/** DPS refuses the current leaf, or its key is not in the token. */
function currentRefused(before: RollState, event: Of<'failed'>, decision?: Decision): Moved {
  const { failure } = event;
  const { current, next, request } = before;
  const state: RollState = without(before, 'unheard', 'ask');
  if (next?.is === 'unwanted') {
    const isLost = next.because === 'key-lost';
    // There is no way back, and the candidate is unwanted all the same.
    const isOver = failure.code === 'NL-TOKEN-KEY' || event.again === true || !canGoBack(state, event);
    if (isLost || (next.because === 'discarded' && isOver)) {
      return currentRefused({ ...giveUp(state, next, isLost), phase: 'registering' }, event, decision);
    }
    // The candidate may be the only leaf that DPS trusts: it is kept, even if it was unwanted.
    const kept: Parked = { is: 'parked', ...issuedOf(next), rest: next.rest, trust: 'possible' };
    return strand({ ...state, next: kept }, event, failure);
  }
  // The roll that was interrupted to ask DPS goes on, and asks again by the ladder.
  if (request?.action === 'roll' && decision?.action !== 'roll') return resumeRoll(probed(state, event), event);
  if (decision?.action === 'strand' || (decision?.action !== 'roll' && isBarred(before)))
    return strand(state, event, failure);
  if (decision?.action === 'roll' && current !== undefined) return cured(state, event, decision.reason);
  return settle(finish(state, event, before.online ? 'kept' : 'person', failure), event);
}

/** The one roll that may cure a leaf that DPS or the hub refuses. */
function cured(state: RollState, event: RollEvent, reason: Reason): RollState {
  const { current, request } = state;
  if (current === undefined) return state;
  const own = { id: `newleaf-${event.at.toString(36)}`, from: 'newleaf', at: event.at } as const;
  const cure = { ...(request ?? own), action: 'roll', reason } as const;
  const free = clearedFor(probed(state, event), reason);
  return resumeRoll(accept({ ...free, rolledFor: current.thumbprint }, cure, event), event);
}

/** The hub refuses the candidate that DPS has just accepted: it can lag DPS, so only a lasting refusal counts. */
function candidateRejected(state: RollState, next: Assigned, event: Of<'failed'>, decision?: Decision): Moved {
  const { failure } = event;
  const grace = (state.grace ?? 0) + 1;
  if (decision?.action === 'drop') return issuerRefused(without(state, 'grace'), bare(next), event, failure);
  if (grace < GRACE_REFUSALS) return { state: { ...state, grace }, retry: failure };
  const given = park(without(state, 'grace'), next, event, failure);
  if (!canGoBack(given, event)) return settle(finish(given, event, 'person', failure), event);
  if (given.next?.is !== 'parked') return given;
  return { ...given, next: { is: 'unwanted', ...issuedOf(given.next), rest: given.next.rest, because: 'refused' } };
}

/** The key alone: its leaf is useless. */
const bare = ({ leaf, tries }: Assigned): KeyMade => ({ is: 'key-made', key: leaf.key, for: 'roll', tries });

/** The current leaf is refused while a roll goes on: DPS is asked for it again, and may accept it before there is a new leaf. */
function probed(state: RollState, event: RollEvent): RollState {
  return isBarred(state) ? { ...state, probe: probeOf(state, event, 1) } : state;
}

/** The old key is useless now: the roll has succeeded, even if the token does not destroy it. */
function notDestroyed(state: RollState, event: Of<'failed'>): Moved {
  const key = retiringOf(state);
  if (state.phase !== 'retiring-key' || key === undefined) return state;
  const tries = key.is === 'pending' ? key.tries + 1 : RETIRE_TRIES;
  const after = tries < RETIRE_TRIES ? pending(key, tries) : undestroyed(key, event);
  const tried = { ...state, retire: state.retire.map((one) => (one.id === key.id ? after : one)) };
  if (after.is === 'pending') return { state: tried, retry: event.failure };
  const next = wantedNow(state);
  return next?.slot === key.slot ? slotBlocked(tried, next, key, event) : tried;
}

/**
 * The next key cannot be made beside one that has served. A roll waits for a person, and for the candidate's ladder. A CSR was
 * asked for by a person, who asks again.
 */
function slotBlocked(state: RollState, next: KeyWanted, key: KeyRef, event: Of<'failed'>): Moved {
  const why = inTheWay(next, key, event.failure);
  return { state: next.for === 'roll' ? issuerRefused(state, next, event, why) : unmade(state, next), met: why };
}
