import { hasLeaf } from './candidate.ts';
import { accept, beginRequest, clearedFor, expire, makeRoom } from './moves.ts';
import type { Decision, RollEvent, RollState } from './state.ts';

/** Carries out what the rules decided on a planned moment or a start. */
export function begin(state: RollState, event: RollEvent, decision?: Decision): RollState {
  if (decision === undefined || decision.action === 'ignore' || decision.action === 'strand') return state;
  if (decision.action === 'drop') return hasLeaf(state.next) ? expire(state, state.next, event) : state;
  const { action, reason, sameKey } = decision;
  const own = { id: `newleaf-${event.at.toString(36)}`, action, reason, from: 'newleaf', at: event.at } as const;
  // A request goes on even if the hub refuses the leaf meanwhile.
  const makesPlace = reason === 'asked' || (state.phase === 'serving' && reason !== 'rejected');
  const free = makesPlace ? makeRoom(clearedFor(state, reason), event) : clearedFor(state, reason);
  const waited = reason === 'asked' ? free.scheduled : undefined;
  const { startAt: _, ...accepted } = { startAt: 0, ...(waited ? { ...waited, action } : (free.request ?? own)) };
  return beginRequest(accept(free, accepted, event), action, event, sameKey);
}
