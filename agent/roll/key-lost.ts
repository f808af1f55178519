import { keepsKey } from './look.ts';
import { drop, finish, type Moved, park, resumeRoll, settle, without } from './moves.ts';
import { candidateRefused } from './parked.ts';
import type { Next, Of, RollState } from './state.ts';

/** So many failed reads, over a quarter of an hour or more, are no accident. */
const SURE_TIMES = 3;

/** A handshake with DPS or hub needed the key, and the token did not find it. */
export const isKeyLost = ({ parked }: Next): boolean => parked?.failure.code === 'NL-TOKEN-KEY';

/**
 * The key of the candidate is not in the token: lost in a power cut (SoftHSM 2.6.1 writes without fsync), or destroyed by a
 * person. That must not hold up the gateway for ever, nor may a failed read cost a leaf that the operator has enrolled.
 * @returns undefined where it is not about that key
 */
export function keyLost(state: RollState, next: Next, event: Of<'failed'>): Moved | undefined {
  const { effect, failure } = event;
  const { phase, current, request } = state;
  const isKept = keepsKey(state, next.id) || next.slot === 'given';
  if (phase === 'requesting-leaf' && effect.kind === 'request-leaf' && !isKept) {
    // The key is not destroyed for it: if it is there after all, it is found in the slot once more by its CKA_ID.
    const { id, ...keyless } = next;
    const other = { ...keyless, ...(id !== undefined && { intended: id }), renewed: true };
    if (next.renewed !== true) return settle({ ...state, next: other }, event, 'key-lost', failure);
    // A token that loses each key gets new ones only by the ladder of the candidate.
    const kept = finish(park(state, other, event, failure), event, state.online ? 'kept' : 'person', failure);
    return settle(kept, event, 'key-lost', failure);
  }
  if (!('leaf' in effect) || effect.leaf.thumbprint !== next.leaf?.thumbprint) return undefined;
  if (phase !== 'registering-next' && phase !== 'connecting-next') return undefined;
  const { assignment: _, ...bare } = next;
  // An open session proves the token. Without one it may be the wrong token, or a read that failed: twice is not enough.
  const proven = current === undefined || state.online !== undefined || (next.parked?.times ?? 0) >= SURE_TIMES;
  const advised = request?.from === 'technician' && request.action === 'roll';
  if (failure.code !== 'NL-TOKEN-KEY' || !isKeyLost(next) || !(proven || advised)) {
    return candidateRefused(phase === 'connecting-next' ? without(state, 'grace') : state, bare, event);
  }
  const rolling = request?.action === 'roll' ? state : finish(state, event, 'kept', failure);
  if (isKept && current !== undefined) {
    const alone = without(rolling, 'next');
    return rolling.request === undefined ? settle(alone, event, 'key-lost') : resumeRoll(alone, event, 'key-lost');
  }
  // The current leaf is registered before anything is destroyed: that proves the token.
  const gone: Next = { ...bare, unwanted: true, sent: bare.sent && current !== undefined };
  return drop({ ...rolling, next: gone }, gone, event, 'key-lost');
}
