import type { RollEvent } from './state.ts';

const DRAW_BITS = 52;

/**
 * The CKA_ID of a key that is to be made, written down with the intent: after a power cut the key is known by it, and any other
 * key with our label is not ours. Time and draw are in it, so that it is fresh: a handle that OpenSSL or libp11 keeps by id can
 * never mean another key.
 */
export function freshId({ at, draw }: Pick<RollEvent, 'at' | 'draw'>): string {
  const random = Math.floor(draw * 2 ** DRAW_BITS).toString(16);
  // 16 bytes: the usual length for modules and tools.
  return `${at.toString(16).padStart(12, '0')}${random.padStart(20, '0')}`;
}
