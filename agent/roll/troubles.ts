import type { Failure } from '../failure/failure.ts';
import { hasLeaf, restOf } from './candidate.ts';
import { without } from './moves.ts';
import { RESTING } from './phase.ts';
import { isSession } from './poison.ts';
import { doneBy, type Hindrance, type RollEvent, type RollState } from './state.ts';

/**
 * The troubles after an event. There are two, because work and session go on side by side: what hinders a roll must not be
 * hidden by a session that drops each minute.
 *
 * | event                                | work                        | session |
 * |--------------------------------------|-----------------------------|---------|
 * | an effect of the work fails          | this failure                |         |
 * | an effect of the work ends well      | none                        |         |
 * | the session is refused, or not reached |                           | this failure |
 * | it ends again and again              |                             | this failure |
 * | the hub accepts the current leaf     | none, where no work is left | none    |
 * | an hour passes (`withoutPast`)       | none, where it is not tried again |   |
 */
export function withTroubles(
  before: RollState,
  after: RollState,
  event: RollEvent,
  { retry, met }: { readonly retry?: Failure; readonly met?: Failure } = {},
): RollState {
  const found = (failure: Failure): Hindrance => ({
    failure,
    at: event.at,
    ...(before.request && { request: before.request.id }),
  });
  if (event.kind === 'failed') {
    const trouble = found(met ?? event.failure);
    return isSession(event.effect, before.current)
      ? { ...after, sessionTrouble: trouble }
      : { ...after, workTrouble: trouble };
  }
  // A single end of a session is no trouble.
  if (event.kind === 'lost')
    return retry === undefined || retry.code === 'NL-HUB-LOST' ? after : { ...after, sessionTrouble: found(retry) };
  if (event.kind === 'connected') {
    const served = without(after, 'sessionTrouble');
    const isAtWork = event.thumbprint === before.current?.thumbprint && !RESTING.has(after.phase);
    return isAtWork ? served : without(served, 'workTrouble');
  }
  const isOver = doneBy(event) !== undefined || (hasLeaf(before.next) && !hasLeaf(after.next));
  return isOver ? without(after, 'workTrouble') : after;
}

const PAST_MS = 3_600_000;

/**
 * The failure of a request that has ended is told for an hour: the operator may have mended it since, and nothing is tried again
 * that could tell. What the configuration asks for is tried each hour or so.
 */
export function withoutPast(state: RollState, at: number): RollState {
  const { workTrouble, phase, online, request, next, outcomes } = state;
  if (workTrouble === undefined || at < workTrouble.at + PAST_MS) return state;
  const isTried = request !== undefined || restOf(next) !== undefined || outcomes[0]?.reason === 'configuration';
  return phase !== 'serving' || online === undefined || isTried ? state : without(state, 'workTrouble');
}
