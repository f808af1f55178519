import { type Failure, failure } from '../failure/failure.ts';
import { hasLeaf, inherited, isHeardOf, keyOf, type Source, type WithLeaf } from './candidate.ts';
import { rememberKey, retireKey, wantKey, withCurrentKey } from './keys.ts';
import { hasSpareKey, keepsKey, lacksKey } from './look.ts';
import { accept, beginRequest, drop, finish, makeRoom, toRegisterNext, without } from './moves.ts';
import type { Decision, Of, RollState } from './state.ts';

// What people ask for, and what they bring.

export function asked(state: RollState, event: Of<'asked'>, decision?: Decision): RollState {
  if (decision === undefined || decision.action === 'ignore' || decision.action === 'strand') return state;
  if (event.delayMs > 0) {
    return { ...state, scheduled: { ...event.request, startAt: event.at + Math.round(event.delayMs * event.draw) } };
  }
  if (event.discard && hasLeaf(state.next)) return discarded(state, state.next, event, decision);
  if (decision.action === 'drop') return state;
  const { action, sameKey } = decision;
  const request = { ...event.request, action };
  return beginRequest(accept(makeRoom(state, event), request, event), action, event, sameKey);
}

/** The candidate is unwanted, and a roll follows where the issuer needs no person. */
function discarded(state: RollState, next: WithLeaf, event: Of<'asked'>, { action }: Decision): RollState {
  // The work in flight is about the unwanted candidate.
  const ended = finish(state, event, 'failed', state.workTrouble?.failure);
  const taken = accept(ended, event.request, event);
  const going = action === 'drop' ? finish(taken, event, 'person', failure('NL-ISSUER-PERSON')) : taken;
  // Neither DPS nor the hub has answered about it yet.
  return drop(going, next, event, 'discarded', failure('NL-DPS-TIMEOUT'));
}

export function csrAsked(state: RollState, event: Of<'csr-asked'>, decision?: Decision): RollState {
  const { current, next } = state;
  if (state.request?.action === 'roll' || hasLeaf(next)) return state;
  const wanted = next?.is === 'key-wanted' ? next : undefined;
  const isFree = next === undefined || wanted?.for === 'spare';
  if (isFree && event.sameKey && current !== undefined && !lacksKey(state))
    return withCurrentKey(state, wanted, current, 'delivery');
  if (next === undefined) return wantKey(state, event, 'delivery');
  if (decision?.action === 'ignore') return state;
  // A key that is not made yet is new enough.
  if (next.is === 'key-wanted') {
    // A person does not wait for its ladder, which goes on when it is made.
    return { ...state, next: { ...next, for: 'delivery' } };
  }
  // The token does not have it: there is nothing to destroy.
  const { slot } = next.key;
  if (event.isLost)
    return wantKey(state, event, 'delivery', slot === 'given' || keepsKey(state, next.key) ? undefined : slot);
  // A key that is kept serves on beside the new one.
  if (event.newKey && keepsKey(state, next.key)) return wantKey(state, event, 'delivery');
  if (!event.newKey || !hasSpareKey(state))
    return next.for === 'spare' ? { ...state, next: { ...next, for: 'delivery' } } : state;
  return retireKey(wantKey(state, event, 'delivery', slot === 'given' ? undefined : slot), next.key);
}

/** A person delivered a leaf, for the key of the CSR or for the current key. An older candidate makes room. */
export function delivered(before: RollState, event: Of<'leaf-delivered'>): RollState {
  const { leaf } = event;
  const state = before.phase === 'serving' ? makeRoom(before, event) : before;
  const { next, current } = state;
  const isOfNext = next !== undefined && next.is !== 'key-wanted' && keyOf(next).id === leaf.key.id;
  const answer = (outcome: 'done' | 'failed', why?: Failure) =>
    state.request === undefined ? finish({ ...state, request: event.request }, event, outcome, why) : state;
  if (leaf.thumbprint === current?.thumbprint) return answer('done');
  // It was verified a moment ago: its key may have been given up since.
  if (!isOfNext && leaf.key.id !== current?.key.id) return answer('failed', failure('NL-LEAF-KEY'));
  // The key of a candidate that DPS never heard of is useless now.
  const alone =
    next === undefined || isOfNext
      ? state
      : isHeardOf(next)
        ? rememberKey(state, keyOf(next))
        : retireKey(state, keyOf(next));
  // This leaf also ends a roll that waits for its issuer. A delivered leaf does not count as the automatic roll.
  const own = without(alone, 'rolledFor');
  const taken = own.request === undefined ? accept(own, event.request, event) : own;
  const from: Source = event.request.from === 'method' ? 'hub' : 'person';
  return toRegisterNext(taken, { is: 'sent', leaf, from, tries: 0, ...(isOfNext && inherited(next)) });
}
