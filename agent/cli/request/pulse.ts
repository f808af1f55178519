import { setTimeout } from 'node:timers/promises';
import type { DaemonEvent } from '../../ask/event.ts';
import { events } from '../../control/client.ts';

/** How often to look while no event arrives, in milliseconds. */
const PULSE_MS = 5_000;

export interface PulseOptions {
  /** Path of the control socket. */
  readonly socket: string;
  /** How often to look while no event arrives, in milliseconds. */
  readonly everyMs?: number;
  /** How often to look for the next daemon while there is none, in milliseconds. */
  readonly awayMs?: number;
  /** Ends it. */
  readonly abort?: AbortSignal;
}

/**
 * When to look at the daemon: now, at every event, and every `everyMs`. Yields the event, or undefined. It outlives the
 * daemon, which restarts itself to heal the token, and ends only by `abort`. The stream is requested before the first look, so
 * an event after that look is missed for `everyMs` at most.
 */
export async function* pulse(options: PulseOptions): AsyncGenerator<DaemonEvent | undefined, void> {
  const { socket, everyMs = PULSE_MS, awayMs = 1_000, abort } = options;
  const left = new AbortController();
  const isOver = () => abort?.aborted === true;
  const pause = async (ms: number, timer: AbortSignal): Promise<typeof TICK> =>
    setTimeout<typeof TICK>(ms, TICK, { signal: abort === undefined ? timer : AbortSignal.any([abort, timer]) }).catch(
      (): typeof TICK => TICK,
    );
  try {
    while (!isOver()) {
      const stream = events(socket, left.signal);
      let heard = next(stream);
      yield undefined;
      while (!isOver()) {
        const timer = new AbortController();
        const tick = pause(everyMs, timer.signal);
        const told = await Promise.race([heard, tick]);
        timer.abort();
        if (told === AWAY) break;
        if (told !== TICK) heard = next(stream);
        yield told === TICK ? undefined : told;
      }
      await pause(awayMs, left.signal);
    }
  } finally {
    left.abort();
  }
}

const TICK = Symbol('nothing was heard');
const AWAY = Symbol('the daemon went away');

async function next(stream: AsyncIterator<DaemonEvent>): Promise<DaemonEvent | typeof AWAY> {
  try {
    const { done, value } = await stream.next();
    return done ? AWAY : value;
  } catch {
    // The next look at the daemon meets the reason.
    return AWAY;
  }
}
