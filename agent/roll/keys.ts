import { type KeyWanted, keyOf, type Purpose } from './candidate.ts';
import { freshId } from './intended.ts';
import type { KeyRef, Leaf } from './leaf.ts';
import { freeSlot, keepsKey } from './look.ts';
import { RESTING, RETIRE_TRIES, type Retired } from './phase.ts';
import type { RollEvent, RollState } from './state.ts';

// Which keys a state wants, and which it gives up.

/** Plans to destroy the key of a candidate, unless the current leaf has it. */
export function retireKey(state: RollState, key: KeyRef | undefined): RollState {
  return key === undefined ? state : listed(state, pending(key));
}

/** The same, once another leaf has been proven: DPS may trust a leaf of this key, or the token may only have failed to show it. */
export function rememberKey(state: RollState, key: KeyRef): RollState {
  return listed(state, { slot: key.slot, id: key.id, is: 'remembered' });
}

function listed(state: RollState, key: Retired): RollState {
  if (key.slot === 'given' || keepsKey(state, key)) return state;
  return { ...state, retire: [...state.retire.filter(({ id }) => id !== key.id), key] };
}

export const pending = ({ slot, id }: KeyRef, tries = 0): Retired => ({ slot, id, is: 'pending', tries });

/** Once more, and for no longer than one attempt. */
const onceMore = (key: KeyRef): Retired => pending(key, RETIRE_TRIES - 1);

const DAY_MS = 24 * 3_600_000;

/** The token destroyed it in none of its attempts: the next one is a day away. */
export const undestroyed = ({ slot, id }: KeyRef, { at }: RollEvent): Retired => ({
  slot,
  id,
  is: 'undestroyed',
  againAt: at + DAY_MS,
});

/** A key whose next attempt has come is tried, where no other work waits; also where the clock was set back since. */
export function retryDestroying(state: RollState, { at }: RollEvent): RollState {
  const hasCome = (one: Retired) => one.is === 'undestroyed' && (one.againAt <= at || one.againAt > at + DAY_MS);
  if (!RESTING.has(state.phase) || !state.retire.some(hasCome)) return state;
  return { ...state, retire: state.retire.map((one) => (hasCome(one) ? onceMore(one) : one)) };
}

/** A key for the next leaf, in the slot that the current one does not use. A key that is there makes room first (phase.ts). */
export function wantKey(state: RollState, event: RollEvent, purpose: Purpose, slot = freeSlot(state)): RollState {
  return { ...state, next: { is: 'key-wanted', slot, id: freshId(event), for: purpose, tries: 0 } };
}

/** The key that is wanted is the second of its candidate, and goes on with its ladder. */
export function secondKey(state: RollState, tries: number, isUnsigned = false): RollState {
  if (state.next?.is !== 'key-wanted') return state;
  return { ...state, next: { ...state.next, tries, isSecond: true, ...(isUnsigned && { isUnsigned }) } };
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
