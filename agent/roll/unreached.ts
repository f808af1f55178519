import type { Failure } from '../failure/failure.ts';
import { AGAIN, PATIENCE, unanswered } from './look.ts';
import { begin, finish, type Moved, move, park, toRegisterNext } from './moves.ts';
import type { Decision, Of, RollState } from './state.ts';

/** The ladder of a registration takes three minutes to its fifth rung. */
const UNHEARD = 5;
/** A candidate parked for this has used its ladder: each further round costs a registration of the current leaf as well. */
const UNHEARD_AGAIN = 1;

/** Without an answer, phase and candidate stay for as long as it lasts; unless there is another leaf to try. */
export function unsettled(before: RollState, event: Of<'failed'>, decision?: Decision): Moved {
  const { effect, failure } = event;
  const again = (state: RollState): Moved => ({ state: { ...state, trouble: failure }, retry: failure });
  if (effect.kind === 'register') {
    const state = { ...before, unheard: (before.unheard ?? 0) + 1 };
    return again(state.unheard < patience(state) ? state : tryOther(state, event, failure));
  }
  if (unanswered(before, event) === undefined) return again(before);
  const state = { ...before, unreached: before.unreached + 1 };
  // The hub does answer: it has refused the current leaf meanwhile. Only the candidate gets no answer.
  if (state.phase === 'connecting-next' && state.rejected && state.unreached >= PATIENCE) {
    return { ...tryCurrent(state, event, failure), unreached: 0 };
  }
  return again(askAnew(state, event, decision));
}

/** How often DPS may be silent before another leaf is tried. */
function patience({ phase, next }: RollState): number {
  const isKnown = phase === 'registering-next' && next?.parked !== undefined && next.parked.failure.kind !== 'refused';
  return isKnown ? UNHEARD_AGAIN : UNHEARD;
}

/** Asks DPS where the rules say so. The attempts at the old hub go on meanwhile. */
function askAnew(state: RollState, event: Of<'failed'>, decision?: Decision): RollState {
  const { next, phase, current, online, unreached } = state;
  if (decision?.action !== 're-register') return state;
  if (phase !== 'connecting-next' || next?.leaf === undefined) return begin(state, event, decision);
  // The candidate has asked before, and the hub of the current leaf does not answer either: by turns.
  if (current !== undefined && online === undefined && unreached > AGAIN) {
    return { ...tryCurrent(state, event, event.failure), unreached: 0 };
  }
  return toRegisterNext(state, next, event, decision.reason);
}

/** DPS does not answer about one leaf: it may answer about the other. The ladder goes on, so DPS gets no more calls for that. */
function tryOther(state: RollState, event: Of<'failed'>, failure: Failure): RollState {
  const { phase, next, current, rejected, online, unreached } = state;
  if (online !== undefined) return state;
  // The hub refuses the current leaf, or there is no hub any more: only DPS can help.
  const isLost = current !== undefined && (rejected || unreached >= PATIENCE);
  if (phase === 'registering-next') return isLost ? tryCurrent(state, event, failure) : state;
  const waits = next?.leaf !== undefined && next.parked !== undefined && next.parked.askAt <= event.at;
  const isOther = phase === 'registering' || (phase === 'abandoning' && next?.unwanted !== true);
  return isOther && waits ? toRegisterNext(state, next, event, 'unheard') : state;
}

function tryCurrent(state: RollState, event: Of<'failed'>, failure: Failure): RollState {
  if (state.next === undefined) return state;
  const { assignment: _, ...unassigned } = state.next;
  const parked = finish(park(state, unassigned, event, failure), event, 'kept', failure);
  return move(parked, 'registering', event, 'unanswered', failure);
}
