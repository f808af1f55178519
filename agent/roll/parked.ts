import type { Failure } from '../failure/failure.ts';
import { finish, move, park, probeOf, setAside, settle, without } from './moves.ts';
import type { Next, Of, RollEvent, RollState } from './state.ts';

/** DPS refuses the candidate: it is kept, since the operator may be about to enroll it. */
export function candidateRefused(state: RollState, next: Next, event: Of<'failed'>): RollState {
  const { failure } = event;
  const { request, current } = state;
  const isDenied = failure.code.startsWith('NL-DPS-');
  const parked = park(without(state, 'unheard'), { ...next, ...(isDenied && { denied: true }) }, event, failure);
  const probing = request?.reason === 'probe';
  if ((probing && state.probe !== undefined) || hasJustRefused(state, event)) return strand(parked, event, failure);
  // A roll is over with this: it would come back here as soon as DPS has taken the current leaf again.
  const over = request?.action === 'roll' ? finish(parked, event, 'person', failure) : parked;
  const goOn = state.rejected || (request?.action === 're-register' && !probing);
  if (current !== undefined && goOn) return move(over, 'registering', event, 'refused', failure);
  return settle(finish(parked, event, 'person', failure), event, 'refused', failure);
}

/** Every automatic way has been refused. While a session is open, nobody is stranded. */
export function strand(state: RollState, event: RollEvent, failure: Failure): RollState {
  const { next, assignment } = state;
  const parks = next?.leaf !== undefined && next.parked === undefined;
  const kept = parks ? park(state, next, event, failure) : setAside(state);
  if (state.online !== undefined && !state.rejected)
    return settle(finish(without(kept, 'probe'), event, 'kept', failure), event, 'refused', failure);
  // Whoever installs a gateway may be about to enroll it; one that served before asks no more than once an hour.
  const probe = probeOf(state, event, assignment === undefined ? 1 : 3);
  return move(finish({ ...kept, probe }, event, 'person', failure), 'stranded', event, 'refused', failure);
}

/** Within this time the answer of DPS to the same leaf is the same, in milliseconds. */
const JUST_MS = 10 * 60_000;

/** DPS refused the current leaf a moment ago, and the roll that was to cure it is refused as well: there is nothing to ask. */
export function hasJustRefused({ request, rejected, current, lastRollAt }: RollState, { at }: RollEvent): boolean {
  const isCure = request?.reason === 'dps-refused' && rejected && current !== undefined;
  return isCure && lastRollAt !== undefined && at >= lastRollAt && at < lastRollAt + JUST_MS;
}
