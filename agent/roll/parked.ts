import { areaOf, type Failure } from '../failure/failure.ts';
import { probeMs } from './backoff.ts';
import { hasLeaf, type WithLeaf } from './candidate.ts';
import { canGoBack, isBarred } from './look.ts';
import { askForCurrent, finish, park, probeOf, setAside, settle, without } from './moves.ts';
import type { Of, RollEvent, RollState } from './state.ts';

/** DPS refuses the candidate: it is kept, because the operator may be about to enroll it. */
export function candidateRefused(state: RollState, next: WithLeaf, event: Of<'failed'>): RollState {
  const { failure } = event;
  const { request } = state;
  // Where only its hub is none of ours, DPS has assigned it.
  const isRefused = areaOf(failure) === 'DPS' && failure.code !== 'NL-DPS-HUB';
  const trust = isRefused ? 'refused' : 'possible';
  const parked = park(without(state, 'unheard'), next, event, failure, trust);
  const probing = request?.reason === 'probe';
  // Without its key DPS has heard nothing.
  const isTurn = probing && state.probe !== undefined && failure.code !== 'NL-TOKEN-KEY';
  if (isTurn || hasJustRefused(state, event)) return strand(parked, event, failure);
  // This ends a roll: it would come back here as soon as DPS has accepted the current leaf again.
  const over = request?.action === 'roll' ? finish(parked, event, 'person', failure) : parked;
  const goOn = isBarred(state) || (request?.action === 're-register' && !probing);
  if (goOn && canGoBack(state, event)) return askForCurrent(over);
  return settle(finish(parked, event, 'person', failure), event);
}

/** Every automatic way has been refused. A gateway with an open session is not stranded. */
export function strand(state: RollState, event: RollEvent, failure: Failure): RollState {
  const { next, assignment } = state;
  const parks = hasLeaf(next) && next.is !== 'parked';
  const kept = without(parks ? park(state, next, event, failure) : setAside(state), 'ask');
  if (state.online !== undefined) return settle(finish(without(kept, 'probe'), event, 'kept', failure), event);
  // A new gateway may be enrolled in a moment; one that has served before asks at most once an hour.
  const probe = probeOf(kept, event, assignment === undefined ? 1 : 3);
  // The key of the current leaf is not there, so DPS has heard nothing: it is the turn of the candidate soon.
  const isUnheard = failure.code === 'NL-TOKEN-KEY' && kept.next?.is === 'parked';
  const askAt = isUnheard ? event.at + probeMs(1, event.draw) : probe.askAt;
  return finish({ ...kept, probe: { ...probe, askAt }, stranded: true }, event, 'person', failure);
}

/** Within this time DPS gives the same answer to the same leaf, in milliseconds. */
const JUST_MS = 10 * 60_000;

/** DPS refused the current leaf a moment ago, and the roll that was to cure it is refused as well: asking again is useless. */
export function hasJustRefused(state: RollState, { at }: RollEvent): boolean {
  const { request, lastRollAt } = state;
  const isCure = request?.reason === 'dps-refused' && isBarred(state);
  return isCure && lastRollAt !== undefined && at >= lastRollAt && at < lastRollAt + JUST_MS;
}
