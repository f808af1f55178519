import { failure } from '../failure/failure.ts';
import { without } from './moves.ts';
import type { Moved, Of, RollState } from './state.ts';

/** A session that ends within a minute, three times in a row: another client with our identity, or the daily quota. */
const FLAP_MS = 60_000;
const FLAPS = 3;
const FLAP_PAUSE_MS = 5 * 60_000;

/** The session has ended. */
export function lost(state: RollState, event: Of<'lost'>): Moved {
  if (state.online?.startsWith(`${event.thumbprint}@`) !== true) return state;
  const flaps = event.heldMs < FLAP_MS ? state.flaps + 1 : 0;
  const offline: RollState = { ...without(state, 'online'), flaps };
  // The first reconnect follows at once: most sessions end for a reason that is over.
  if (flaps < 2) return offline;
  if (flaps < FLAPS) return { state: offline, retry: event.failure };
  const flapping = failure('NL-HUB-FLAPPING', { cause: event.failure.code, retryAfterMs: FLAP_PAUSE_MS });
  return { state: offline, retry: flapping };
}
