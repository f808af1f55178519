import type { Failure } from '../failure/failure.ts';
import { turnMs } from './backoff.ts';
import { begin } from './begin.ts';
import { hasLeaf } from './candidate.ts';
import { canGoBack, isBarred, PATIENCE, remaining, unanswered } from './look.ts';
import { askForCurrent, finish, giveUp, makesWay, park, toRegisterNext } from './moves.ts';
import { isSession } from './poison.ts';
import type { Decision, Moved, Of, RollEffect, RollEvent, RollState } from './state.ts';

interface Patience {
  /** How often DPS may be silent before another leaf is tried. */
  readonly unheard: number;
  /** No two of these are as far from each other, in milliseconds: the pace of a day has slowed the ladder down. */
  readonly slowMs: number;
}

/** The ladder of a registration takes three minutes to its fifth rung. */
const SILENT: Patience = { unheard: 5, slowMs: 4 * 60_000 };
/** Half an hour: a 429 says nothing of the leaf, and the other one, which DPS may have refused, would be throttled as well. */
const THROTTLED: Patience = { unheard: 8, slowMs: 20 * 60_000 };
/** A candidate that is asked for again has used its ladder: each further round costs a registration of the current leaf as well. */
const UNHEARD_AGAIN = 1;

/** Without an answer, phase and candidate stay for as long as it lasts; unless there is another leaf to try. */
export function unsettled(before: RollState, event: Of<'failed'>, decision?: Decision): Moved {
  const { effect, failure } = event;
  const again = (state: RollState): Moved => ({ state, retry: failure });
  if (effect.kind === 'register') {
    const state = { ...before, unheard: (before.unheard ?? 0) + 1 };
    const patience = failure.code === 'NL-DPS-THROTTLED' ? THROTTLED : SILENT;
    return again(isShort(state, event, patience) ? state : tryOther(state, event, failure));
  }
  if (failure.code === 'NL-TOKEN-KEY' && isSession(effect, before.current))
    return again(begin({ ...before, keyless: (before.keyless ?? 0) + 1 }, event, decision));
  // The token signs no handshake of the candidate, whose place the current leaf may take as well.
  const isUnsigned = failure.kind === 'broken' && isOfCandidate(before, effect);
  if (unanswered(before, event) === undefined && !isUnsigned) return again(before);
  const state = { ...before, unreached: before.unreached + 1 };
  // The hub does answer: it has refused the current leaf meanwhile. Only the candidate gets no answer, or no signature.
  if (state.next?.is === 'assigned' && isBarred(state) && state.unreached >= PATIENCE && canGoBack(state, event))
    return { ...tryCurrent(state, event, failure), unreached: 0 };
  return again(isUnsigned ? state : askAnew(state, event, decision));
}

const isOfCandidate = ({ next }: RollState, effect: RollEffect): boolean =>
  next?.is === 'assigned' && effect.kind === 'connect' && effect.leaf.thumbprint === next.leaf.thumbprint;

/** Whether DPS has been silent for a moment only. */
function isShort(state: RollState, { at }: RollEvent, patience: Patience): boolean {
  const { unheard = 0, workTrouble, next } = state;
  const isSlow = unheard > 1 && workTrouble !== undefined && at - workTrouble.at >= patience.slowMs;
  const isKnown = next?.is === 'sent' && next.last !== undefined && next.last.kind !== 'refused';
  const most = isKnown || next?.is === 'parked' ? UNHEARD_AGAIN : patience.unheard;
  return unheard < most && !isSlow;
}

/** Asks DPS where the rules say so. The attempts at the old hub go on meanwhile. */
function askAnew(state: RollState, event: Of<'failed'>, decision?: Decision): RollState {
  const { next, online } = state;
  if (decision?.action !== 're-register') return state;
  if (next?.is !== 'assigned' && next?.is !== 'sent') return begin(state, event, decision);
  // The candidate has asked before, or gets no answer, and the hub of the current leaf does not answer either: by turns. How
  // long it gets none is not on disk: after a power cut it may be for hours.
  const isTurn = next.is === 'sent' || online === undefined;
  if (isTurn && canGoBack(state, event)) return { ...tryCurrent(state, event, event.failure), unreached: 0 };
  return next.is === 'sent' ? state : toRegisterNext(state, next);
}

/** DPS does not answer about one leaf: it may answer about the other. The ladder goes on, so DPS gets no more calls for that. */
function tryOther(state: RollState, event: Of<'failed'>, failure: Failure): RollState {
  const { phase, next, online, unreached } = state;
  const isDiscarded = next?.is === 'unwanted' && next.because === 'discarded';
  // The current leaf has ended meanwhile, and its session may not know of it yet. What a person has discarded is not brought
  // back: its key gets another leaf.
  if (next?.is === 'unwanted' && (!canGoBack(state, event) || (isDiscarded && online === undefined)))
    return makesWay(giveUp(state, next, next.because === 'key-lost'), event);
  if (online !== undefined) return state;
  // The hub refuses the current leaf, or there is no hub any more: only DPS can help.
  const isLost = isBarred(state) || unreached >= PATIENCE;
  if (next?.is === 'sent') return isLost && canGoBack(state, event) ? tryCurrent(state, event, failure) : state;
  if (next?.is === 'unwanted') return next.rest.askAt <= event.at ? toRegisterNext(state, next) : state;
  // By the next rung its time will have come. Its own pause is half of what is left of the leaf at most, and was just begun where
  // it has just been refused.
  const soonMs = Math.min(turnMs(event.draw), remaining(state, event.at) / 4);
  const waits = next?.is === 'parked' && next.rest.askAt <= event.at + soonMs;
  return phase === 'registering' && waits ? toRegisterNext(state, next) : state;
}

function tryCurrent(state: RollState, event: Of<'failed'>, failure: Failure): RollState {
  if (!hasLeaf(state.next)) return state;
  const parked = finish(park(state, state.next, event, failure), event, 'kept', failure);
  return askForCurrent(inTurn(parked, event));
}

/** Without an answer it is no more than its turn that the candidate waits for. */
function inTurn(state: RollState, { at, draw }: RollEvent): RollState {
  const { next } = state;
  if (next?.is !== 'parked') return state;
  return { ...state, next: { ...next, rest: { ...next.rest, askAt: Math.min(next.rest.askAt, at + turnMs(draw)) } } };
}
