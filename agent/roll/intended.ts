import type { RollEvent, RollState } from './state.ts';

const DRAW_BITS = 52;

/**
 * Gives the next key its CKA_ID before it is made, with the intent to make it: after a power cut the key is known by it, and
 * any other key with our label is not ours. Time and draw are in it, so that it is fresh: a handle that OpenSSL or libp11
 * keeps by id can never mean another key.
 */
export function withIntended(state: RollState, { at, draw }: RollEvent): RollState {
  const { phase, next } = state;
  if (phase !== 'generating-key' || next === undefined || next.slot === 'given') return state;
  if (next.id !== undefined || next.intended !== undefined) return state;
  const random = Math.floor(draw * 2 ** DRAW_BITS).toString(16);
  // 16 bytes: the usual length for modules and tools.
  return { ...state, next: { ...next, intended: `${at.toString(16).padStart(12, '0')}${random.padStart(20, '0')}` } };
}
