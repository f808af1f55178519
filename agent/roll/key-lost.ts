import type { Candidate, KeyMade, KeyWanted, WithLeaf } from './candidate.ts';
import { secondKey, wantKey } from './keys.ts';
import { keepsKey } from './look.ts';
import { drop, finish, halt, resumeRoll, settle, without } from './moves.ts';
import { candidateRefused } from './parked.ts';
import type { Moved, Of, RollState } from './state.ts';

/** After so many failed reads, which take a quarter of an hour or more, another is no accident. */
const SURE_TIMES = 2;

/**
 * The key of the candidate is not in the token: lost in a power cut (SoftHSM 2.6.1 writes without fsync), or destroyed by a
 * person. That must not hold up the gateway for ever, nor may a failed read cost a leaf that the operator has enrolled.
 * @returns undefined where it is not about that key
 */
export function keyLost(state: RollState, next: Candidate, event: Of<'failed'>): Moved | undefined {
  const { effect } = event;
  if (next.is === 'key-made') {
    const isAboutIt = state.phase === 'requesting-leaf' && effect.kind === 'request-leaf';
    return isAboutIt ? madeAgain(state, next, event) : undefined;
  }
  if (next.is !== 'sent' && next.is !== 'assigned') return undefined;
  return 'leaf' in effect && effect.leaf.thumbprint === next.leaf.thumbprint ? leafless(state, next, event) : undefined;
}

/** The key is not destroyed for it: if it is there after all, it is found in the slot once more by its CKA_ID. */
function madeAgain(state: RollState, { key, tries, isSecond, last }: KeyMade, event: Of<'failed'>): RollState {
  const { failure } = event;
  // The key of the current leaf, which is kept, or was there before newleaf: the next leaf gets one of its own.
  if (keepsKey(state, key) || key.slot === 'given')
    return secondKey(wantKey(state, event, 'roll'), tries, state.request?.reason === 'last-resort');
  const { slot, id } = key;
  const wanted: KeyWanted = { is: 'key-wanted', slot, id, for: 'roll', tries, isSecond: true, ...(last && { last }) };
  if (isSecond !== true) return { ...state, next: wanted };
  // A token that loses each key gets new ones only by the ladder of the candidate.
  return settle(finish(halt(state, wanted, event, failure), event, state.online ? 'kept' : 'person', failure), event);
}

function leafless(state: RollState, next: Extract<WithLeaf, { is: 'sent' | 'assigned' }>, event: Of<'failed'>): Moved {
  const { failure } = event;
  const { current, request } = state;
  // An open session proves the token. Without one it may be the wrong token, or a read that failed: twice is not enough.
  const proven = current === undefined || state.online !== undefined || next.tries >= SURE_TIMES;
  const advised = request?.from === 'technician' && request.action === 'roll';
  const isLost = next.is === 'sent' && next.last?.code === 'NL-TOKEN-KEY';
  // The key of the current leaf, in which each signature ends in a fault of the module: the next leaf gets a key of its own.
  const isUseless = event.again === true && keepsKey(state, next.leaf.key) && next.tries >= SURE_TIMES;
  if (!isUseless && (failure.code !== 'NL-TOKEN-KEY' || !isLost || !(proven || advised))) {
    return candidateRefused(next.is === 'assigned' ? without(state, 'grace') : state, next, event);
  }
  const rolling = request?.action === 'roll' ? state : finish(state, event, 'kept', failure);
  if ((keepsKey(state, next.leaf.key) || next.leaf.key.slot === 'given') && current !== undefined) {
    const alone = without(rolling, 'next');
    return rolling.request === undefined ? settle(alone, event) : resumeRoll(alone, event);
  }
  // The current leaf is registered before anything is destroyed: that proves the token.
  return drop(rolling, next, event, 'key-lost', failure);
}
