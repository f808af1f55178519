import { failure } from '../../failure/failure.ts';
import type { Of } from '../state.ts';
import { forget, type Memory, without } from './memory.ts';

/** A session that ends within a minute, three times in a row: another client with our identity, or the daily quota. */
const FLAP_MS = 60_000;
const FLAPS = 3;
const FLAP_PAUSE_MS = 5 * 60_000;
/** In milliseconds. */
const HELD_MS = 60 * 60_000;

/** The session with the current leaf has ended, which is a reason for a pause or not. */
export function sessionLost(memory: Memory, event: Of<'lost'> & { readonly up: number }): Memory {
  if (memory.online?.startsWith(`${event.thumbprint}@`) !== true) return memory;
  const flaps = event.heldMs < FLAP_MS ? memory.flaps + 1 : 0;
  const { spent, ...rest } = without(memory, 'online', 'end');
  // A session that was held was worth its cost.
  const isHeld = event.heldMs >= HELD_MS;
  const offline = { ...(isHeld ? forget(rest, 'roll') : rest), flaps, ...(spent && !isHeld && { spent }) };
  const { failure: met, at, up } = event;
  const isIdle = met.code === 'NL-NETWORK-IDLE';
  // The first reconnect follows at once: most sessions end for a reason that is over. So does one with a shorter keepalive.
  if (isIdle ? met.retryAfterMs === undefined : flaps < 2) return offline;
  if (isIdle || flaps < FLAPS) return { ...offline, end: { failure: met, at, up } };
  // From the sixth on a quarter of an hour: at most 96 sessions a day, each of which reads the twin.
  const retryAfterMs = FLAP_PAUSE_MS * (flaps < 2 * FLAPS ? 1 : 3);
  return { ...offline, end: { failure: failure('NL-HUB-FLAPPING', { cause: met.code, retryAfterMs }), at, up } };
}
