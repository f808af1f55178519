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
  const { failure: met } = event;
  const isIdle = met.code === 'NL-NETWORK-IDLE';
  // The first reconnect follows at once: most sessions end for a reason that is over. So does one with a shorter keepalive.
  if (isIdle ? met.retryAfterMs === undefined : flaps < 2) return offline;
  if (isIdle || flaps < FLAPS) return { state: offline, retry: met };
  // From the sixth on a quarter of an hour: at most 96 sessions a day, each of which reads the twin.
  const retryAfterMs = FLAP_PAUSE_MS * (flaps < 2 * FLAPS ? 1 : 3);
  return { state: offline, retry: failure('NL-HUB-FLAPPING', { cause: met.code, retryAfterMs }) };
}
