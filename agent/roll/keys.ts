import { type KeyWanted, keyOf, type Purpose } from './candidate.ts';
import { freshId } from './intended.ts';
import type { KeyRef, Leaf } from './leaf.ts';
import { freeSlot, keepsKey } from './look.ts';
import { RETIRE_TRIES, type Retired } from './phase.ts';
import type { RollEvent, RollState } from './state.ts';

// Which keys a state wants, and which it gives up.

/** Plans to destroy the key of a candidate, unless the current leaf has it. */
export function retireKey(state: RollState, key: KeyRef | undefined): RollState {
  return listed(state, key, 0);
}

/** The same, once another leaf has been proven: DPS may trust a leaf of this key, or the token may only have failed to show it. */
export function rememberKey(state: RollState, key: KeyRef): RollState {
  return listed(state, key, RETIRE_TRIES);
}

function listed(state: RollState, key: KeyRef | undefined, tries: number): RollState {
  if (key === undefined || key.slot === 'given' || keepsKey(state, key)) return state;
  const others = state.retire.filter(({ id }) => id !== key.id);
  return { ...state, retire: [...others, { slot: key.slot, id: key.id, tries }] };
}

/** A key for the next leaf, in the slot that the current one does not use. */
export function wantKey(state: RollState, event: RollEvent, purpose: Purpose, slot = freeSlot(state)): RollState {
  return needsSlot({ ...state, next: { is: 'key-wanted', slot, id: freshId(event), for: purpose, tries: 0 } });
}

/** The key that is wanted is the second of its candidate, and goes on with its ladder. */
export function secondKey(state: RollState, tries: number, isUnsigned = false): RollState {
  if (state.next?.is !== 'key-wanted') return state;
  return { ...state, next: { ...state.next, tries, isSecond: true, ...(isUnsigned && { isUnsigned }) } };
}

/** A key in the slot that is needed is destroyed first, and once more where the token did not destroy it before. */
export function needsSlot(state: RollState): RollState {
  const { next } = state;
  if (next?.is !== 'key-wanted') return state;
  const again = (one: Retired) =>
    one.slot === next.slot ? { ...one, tries: Math.min(one.tries, RETIRE_TRIES - 1) } : one;
  return { ...state, retire: state.retire.map(again) };
}

/** The key of the current leaf gets the next one, in place of a key that was wanted. */
export function withCurrentKey(
  state: RollState,
  wanted: KeyWanted | undefined,
  { key }: Leaf,
  purpose: 'roll' | 'delivery',
): RollState {
  // An interrupted attempt may have made the key that was wanted, but never beside one that is still to be destroyed.
  const isUntried = state.retire.some(({ slot }) => slot === wanted?.slot);
  const kept = wanted === undefined || isUntried ? state : rememberKey(state, keyOf(wanted));
  return { ...kept, next: { is: 'key-made', key, for: purpose, tries: wanted?.tries ?? 0 } };
}
