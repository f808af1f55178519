import type { Failure } from '../failure/failure.ts';
import { hasLeaf } from './candidate.ts';
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
 * | it fails, and ends its request       | none, where no work is left |         |
 * | the session is refused, or not reached |                           | this failure |
 * | it ends again and again              |                             | this failure |
 * | the hub accepts the current leaf     | none, where no work is left | none    |
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
    if (isSession(event.effect, before.current)) return { ...after, sessionTrouble: trouble };
    return isOutcome(before, after) ? without(after, 'workTrouble') : { ...after, workTrouble: trouble };
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

/**
 * The failure of a request that has ended is its outcome: a trouble belongs to what will be tried again, as a registration that the
 * configuration asks for is, and each without a session.
 */
function isOutcome({ request }: RollState, { request: left, phase, online }: RollState): boolean {
  const isOver = request !== undefined && left === undefined && request.reason !== 'configuration';
  return isOver && phase === 'serving' && online !== undefined;
}
