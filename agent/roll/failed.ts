import { type Failure, failure } from '../failure/failure.ts';
import { GRACE_REFUSALS } from './backoff.ts';
import { isKeyLost, keyLost } from './key-lost.ts';
import { freeSlot, isBlocked, isStrandedCsr, keepsKey, keyOf, RETIRE_TRIES, WAITING } from './look.ts';
import {
  accept,
  begin,
  finish,
  inRoll,
  type Moved,
  move,
  park,
  probeOf,
  resumeRoll,
  retireKey,
  settle,
  without,
} from './moves.ts';
import { candidateRefused, hasJustRefused, strand } from './parked.ts';
import type { Decision, Next, Of, RollEvent, RollState } from './state.ts';
import { unsettled } from './unreached.ts';

/** What a failure means: an outage changes nothing, a refusal has an answer for each phase. */
export function effectFailed(state: RollState, event: Of<'failed'>, decision?: Decision): Moved {
  const { effect, failure } = event;
  const { current, next, phase } = state;
  if (effect.kind === 'destroy-key') return undestroyed(state, event);
  const known = [current?.thumbprint, next?.leaf?.thumbprint];
  // A late answer about a leaf that has been replaced since.
  if ('leaf' in effect && !known.includes(effect.leaf.thumbprint)) return state;
  if (event.again === true && effect.kind === 'generate-key' && phase === 'generating-key' && next !== undefined) {
    return issuerRefused(state, inRoll(next), event, failure);
  }
  if ((failure.code === 'NL-TOKEN-KEY' || event.again === true) && next !== undefined) {
    const other = keyLost(state, next, event);
    if (other !== undefined) return other;
  }
  const ofCurrent = effect.kind === 'register' && effect.leaf.thumbprint === current?.thumbprint;
  if (failure.code === 'NL-TOKEN-KEY' && ofCurrent) return currentRefused(state, event);
  if (failure.kind !== 'refused') return unsettled(state, event, decision);
  const thumbprint = 'leaf' in effect ? effect.leaf.thumbprint : undefined;
  if (effect.kind === 'connect' && thumbprint === current?.thumbprint) return rejected(state, event, decision);
  if (phase === 'registering' || phase === 'abandoning') return currentRefused(state, event, decision);
  if (next === undefined) return { state, retry: failure };
  if (phase === 'registering-next') return candidateRefused(state, next, event);
  if (phase === 'connecting-next') return candidateRejected(state, next, event);
  if (phase !== 'requesting-leaf') return { state, retry: failure };
  if (failure.code === 'NL-ISSUER-NEW-KEY' && next.renewed !== true && !next.sent && !keepsKey(state, next.id)) {
    const fresh: RollState = { ...state, next: { slot: next.slot, sent: false, renewed: true } };
    return settle(retireKey(fresh, keyOf(next)), event, 'refused', failure);
  }
  return issuerRefused(state, next, event, failure);
}

/** The issuer refuses, or delivers a useless leaf: it is asked again by the ladder of the candidate. */
export function issuerRefused(state: RollState, next: Next, event: RollEvent, failure: Failure): RollState {
  const parked = park(state, next, event, failure);
  if (hasJustRefused(state, event)) return strand(parked, event, failure);
  return settle(finish(parked, event, state.online ? 'kept' : 'person', failure), event, 'refused', failure);
}

/** The hub refuses the current leaf. */
function rejected(state: RollState, event: Of<'failed'>, decision?: Decision): Moved {
  const { failure } = event;
  // The cause of the earlier ends of sessions is found.
  const offline: RollState = { ...without(state, 'online'), trouble: failure, flaps: 0 };
  const refusals = state.grace === undefined ? {} : { grace: state.grace + 1 };
  if (decision?.action === 'strand') return strand({ ...offline, rejected: true }, event, failure);
  if (decision?.action === 're-register') {
    const unproven = state.grace === undefined ? state.unproven : state.unproven + 1;
    return begin({ ...offline, unproven, rejected: true }, event, decision);
  }
  const resting = state.phase === 'serving' || state.phase === 'retiring-key';
  if (resting || WAITING.has(state.phase)) return { state: { ...offline, ...refusals }, retry: failure };
  return { ...offline, rejected: true };
}

/** DPS refuses the current leaf, or its key is not in the token. */
function currentRefused(before: RollState, event: Of<'failed'>, decision?: Decision): Moved {
  const { failure } = event;
  const state = without(before, 'unheard');
  const { current, next, request, rejected } = state;
  const troubled: RollState = { ...state, trouble: failure };
  if (state.phase === 'abandoning' && next !== undefined) {
    if (next.unwanted === true && isKeyLost(next)) {
      const alone: RollState = { ...retireKey(without(troubled, 'next'), keyOf(next)), phase: 'registering' };
      return currentRefused(alone, event, decision);
    }
    // The candidate may be the only leaf that DPS trusts: it is kept, even if it was unwanted.
    const { unwanted: _, ...kept } = next;
    return strand({ ...troubled, next: kept }, event, failure);
  }
  // The roll that was interrupted to ask DPS goes on, and asks again by the ladder.
  if (request?.action === 'roll' && decision?.action !== 'roll')
    return resumeRoll(probed(troubled, event), event, 'refused');
  const isBarred = rejected || state.assignment === undefined;
  if (decision?.action === 'strand' || (decision?.action !== 'roll' && isBarred))
    return strand(troubled, event, failure);
  if (decision?.action === 'roll' && current !== undefined) {
    const own = { id: `newleaf-${event.at.toString(36)}`, from: 'newleaf', at: event.at } as const;
    const request = { ...(state.request ?? own), action: 'roll', reason: decision.reason } as const;
    const rolling = accept({ ...probed(troubled, event), rolledFor: current.thumbprint }, request, event);
    return resumeRoll(rolling, event, decision.reason);
  }
  return settle(finish(troubled, event, state.online ? 'kept' : 'person', failure), event, 'refused', failure);
}

/** The hub refuses the candidate that DPS has just accepted: it can lag DPS, so only a lasting refusal counts. */
function candidateRejected(state: RollState, next: Next, event: Of<'failed'>): Moved {
  const { failure } = event;
  const grace = (state.grace ?? 0) + 1;
  if (grace < GRACE_REFUSALS) return { state: { ...state, grace }, retry: failure };
  const { assignment: _, ...unassigned } = next;
  const given = park(without(state, 'grace'), unassigned, event, failure);
  if (given.current !== undefined) return move(given, 'abandoning', event, 'refused', failure);
  return settle(finish(given, event, 'person', failure), event, 'refused', failure);
}

/** The current leaf is refused while a roll goes on: DPS is asked for it again, and may accept it before there is a new leaf. */
function probed(state: RollState, event: RollEvent): RollState {
  return state.rejected ? { ...state, probe: probeOf(state, event, 1) } : state;
}

/** The old key is useless now: the roll has succeeded, even if the token does not destroy it. */
function undestroyed(state: RollState, event: Of<'failed'>): Moved {
  const { retire } = state;
  if (state.phase !== 'retiring-key' || retire === undefined) return state;
  const tried = { ...state, retire: { ...retire, tries: retire.tries + 1 }, trouble: event.failure };
  if (tried.retire.tries < RETIRE_TRIES) return { state: tried, retry: event.failure };
  const needsSlot = state.request?.action === 'roll' || state.next?.waitsFor !== undefined;
  if (needsSlot && isBlocked(state)) return slotBlocked(tried, event);
  return settle(tried, event, 'refused', event.failure);
}

/**
 * The next key cannot be made beside one that has served. A roll waits for a person, and for the candidate's ladder. A CSR was
 * asked for by a person, who asks again.
 */
function slotBlocked(state: RollState, event: Of<'failed'>): RollState {
  const { retire, next } = state;
  const why = failure('NL-TOKEN-OCCUPIED', {
    message: `Slot ${retire?.slot} still holds the key with CKA_ID ${retire?.id}, which has served before. ${event.failure.message}`,
  });
  if (state.request?.action === 'roll' || next?.intended !== undefined)
    return issuerRefused(state, inRoll(next ?? { slot: freeSlot(state), sent: false }), event, why);
  const alone: RollState = { ...without(state, 'next'), trouble: why };
  return isStrandedCsr(state) ? move(alone, 'stranded', event, 'refused', why) : settle(alone, event, 'refused', why);
}
