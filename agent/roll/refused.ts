import { probeMs } from './backoff.ts';
import { GRACE_REFUSALS } from './decide.ts';
import { type Failure, failure } from './failure.ts';
import {
  accept,
  begin,
  drop,
  finish,
  freeSlot,
  isBlocked,
  keepsKey,
  keyOf,
  type Moved,
  move,
  type Of,
  park,
  RETIRE_TRIES,
  resumeRoll,
  retireKey,
  setAside,
  settle,
  without,
} from './settle.ts';
import type { Decision, Next, RollEvent, RollState } from './state.ts';
import { askAnew, unanswered } from './unreached.ts';

/** What a failure means: an outage changes nothing, a refusal has an answer for each phase. */
export function failed(state: RollState, event: Of<'failed'>, decision?: Decision): Moved {
  const { effect, failure } = event;
  const { current, next, phase } = state;
  if (effect.kind === 'destroy-key') return undestroyed(state, event);
  const known = [current?.thumbprint, next?.leaf?.thumbprint];
  // The last word of an attempt with a leaf that has been replaced since.
  if ('leaf' in effect && !known.includes(effect.leaf.thumbprint)) return state;
  if ((failure.code === 'NL-TOKEN-KEY' || event.again === true) && next !== undefined) {
    const other = keyLost(state, next, event);
    if (other !== undefined) return other;
  }
  // Transient or broken: phase and candidate stay as they are, however long it lasts.
  if (failure.kind !== 'refused') {
    const silent = unanswered(state, event) !== undefined;
    const kept = silent ? askAnew(state, event, decision) : state;
    return { state: { ...kept, trouble: failure }, retry: failure };
  }
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

/**
 * The key of the candidate is not in the token: a power cut took it (SoftHSM 2.6.1 writes without fsync), or somebody did. That
 * must not hold up the gateway for ever, nor may a read that failed cost a leaf that somebody has enrolled.
 * @returns undefined where it is not about that key
 */
function keyLost(state: RollState, next: Next, event: Of<'failed'>): Moved | undefined {
  const { effect, failure } = event;
  const { phase, current } = state;
  // Not that the token makes none.
  if (phase === 'generating-key' && effect.kind === 'generate-key' && event.again === true) {
    return issuerRefused(state, asleep(next), event, failure);
  }
  if (keepsKey(state, next.id) || next.slot === 'given') return undefined;
  if (phase === 'requesting-leaf' && effect.kind === 'request-leaf') {
    // Nothing is destroyed for it: where the key is there after all, it is found in the slot once more by its CKA_ID.
    const { id, ...keyless } = next;
    const other = { ...keyless, ...(id !== undefined && { intended: id }), renewed: true };
    if (next.renewed !== true) return settle({ ...state, next: other }, event, 'key-lost', failure);
    // A token that loses each key is asked for another by the ladder of the candidate, and no more often.
    const kept = finish(park(state, other, event, failure), event, state.online ? 'kept' : 'person', failure);
    return settle(kept, event, 'key-lost', failure);
  }
  if (!('leaf' in effect) || effect.leaf.thumbprint !== next.leaf?.thumbprint) return undefined;
  if (phase !== 'registering-next' && phase !== 'connecting-next') return undefined;
  const { assignment: _, parked, ...bare } = next;
  const isSure =
    failure.code === 'NL-TOKEN-KEY' &&
    parked?.failure.code === failure.code &&
    (current === undefined || state.online !== undefined);
  if (!isSure) {
    const rest = phase === 'connecting-next' ? without(state, 'grace') : state;
    return candidateRefused(rest, { ...bare, ...(parked && { parked }) }, event);
  }
  // Twice, while the session is open. The current leaf is registered before anything is destroyed: that proves the token.
  const rolling = state.request?.action === 'roll' ? state : finish(state, event, 'kept', failure);
  const gone = { ...bare, sent: bare.sent && current !== undefined };
  return drop({ ...rolling, next: gone }, gone, event, 'key-lost');
}

/** The issuer says no, or gives what is of no use: it is asked again by the ladder of the candidate. */
export function issuerRefused(state: RollState, next: Next, event: RollEvent, failure: Failure): RollState {
  const kept = finish(park(state, next, event, failure), event, state.online ? 'kept' : 'person', failure);
  return settle(kept, event, 'refused', failure);
}

/** The hub refuses the current leaf. */
function rejected(state: RollState, event: Of<'failed'>, decision?: Decision): Moved {
  const { failure } = event;
  // Whatever ended the sessions before this has found its cause.
  const offline: RollState = { ...without(state, 'online'), trouble: failure, flaps: 0 };
  const refusals = state.grace === undefined ? {} : { grace: state.grace + 1 };
  if (decision?.action === 'strand') return strand({ ...offline, rejected: true }, event, failure);
  if (decision?.action === 're-register') {
    const unproven = state.grace === undefined ? state.unproven : state.unproven + 1;
    return begin({ ...offline, unproven, rejected: true }, event, decision);
  }
  const resting = state.phase === 'serving' || state.phase === 'retiring-key';
  const waiting = resting || state.phase === 'generating-key' || state.phase === 'requesting-leaf';
  if (waiting) return { state: { ...offline, ...refusals }, retry: failure };
  return { ...offline, rejected: true };
}

/** DPS refuses the current leaf. */
function currentRefused(state: RollState, event: Of<'failed'>, decision?: Decision): Moved {
  const { failure } = event;
  const { current } = state;
  const troubled = { ...state, trouble: failure };
  if (state.phase === 'abandoning' || decision?.action === 'strand') return strand(troubled, event, failure);
  if (decision?.action === 'roll' && current !== undefined) {
    const own = { id: `newleaf-${event.at.toString(36)}`, from: 'newleaf', at: event.at } as const;
    const request = { ...(state.request ?? own), action: 'roll', reason: decision.reason } as const;
    const rolling = accept({ ...troubled, rolledFor: current.thumbprint }, request, event);
    return resumeRoll(rolling, event, decision.reason);
  }
  return settle(finish(troubled, event, state.online ? 'kept' : 'person', failure), event, 'refused', failure);
}

/** DPS refuses the candidate: it is kept, since the operator may be about to enroll it. */
function candidateRefused(state: RollState, next: Next, event: Of<'failed'>): RollState {
  const { failure } = event;
  const { request, current } = state;
  const parked = park(state, next, event, failure);
  const probing = request?.reason === 'probe';
  if (probing && state.probe !== undefined) return strand(parked, event, failure);
  const goOn = state.rejected || (request?.action === 're-register' && !probing);
  if (current !== undefined && goOn) return move(parked, 'registering', event, 'refused', failure);
  return settle(finish(parked, event, 'person', failure), event, 'refused', failure);
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

/** Every automatic way has been refused. */
function strand(state: RollState, event: RollEvent, failure: Failure): RollState {
  const { next, assignment } = state;
  const times = (state.probe?.times ?? 0) + 1;
  // Whoever installs a gateway may be about to enroll it; one that served before asks no more than once an hour.
  const rung = assignment === undefined ? times : Math.max(times, 3);
  const probe = { times, askAt: event.at + probeMs(rung, event.draw) };
  const parks = next?.leaf !== undefined && next.parked === undefined;
  const kept = parks ? park(state, next, event, failure) : setAside(state);
  return move(finish({ ...kept, probe }, event, 'person', failure), 'stranded', event, 'refused', failure);
}

/** The old key is of no use to anybody any more: the roll is through, whether or not the token lets go of it. */
function undestroyed(state: RollState, event: Of<'failed'>): Moved {
  const { retire } = state;
  if (state.phase !== 'retiring-key' || retire === undefined) return state;
  const tried = { ...state, retire: { ...retire, tries: retire.tries + 1 } };
  if (tried.retire.tries < RETIRE_TRIES) return { state: tried, retry: event.failure };
  const troubled: RollState = { ...tried, trouble: event.failure };
  const needsSlot = state.request?.action === 'roll' || state.next?.waiting === true;
  if (needsSlot && isBlocked(state)) return slotBlocked(troubled, event);
  return settle(troubled, event, 'refused', event.failure);
}

/** The next key cannot be made beside one that has served: the roll waits for a person, and looks again by the ladder of its candidate. */
function slotBlocked(state: RollState, event: Of<'failed'>): RollState {
  const { retire, next } = state;
  const why = failure('NL-TOKEN-OCCUPIED', {
    message: `Slot ${retire?.slot} still holds the key with CKA_ID ${retire?.id}, which has served before. ${event.failure.message}`,
  });
  return issuerRefused(state, asleep(next ?? { slot: freeSlot(state), sent: false }), event, why);
}

/** A candidate that waits for its ladder does not wait for a person to bring its leaf: it has no key yet. */
function asleep({ waiting: _, ...next }: Next): Next {
  return next;
}
