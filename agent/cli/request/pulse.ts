import { setTimeout } from 'node:timers/promises';
import { events } from '../../control/client.ts';

export interface PulseOptions {
  /** Path of the control socket. */
  readonly socket: string;
  /** Look this often even if nothing is heard, in milliseconds. */
  readonly everyMs: number;
  /** Where the daemon has gone away, look this often for the next one, in milliseconds. */
  readonly awayMs?: number;
}

/**
 * When to look at the daemon: now, at every event, and every `everyMs`. Yields the event, or undefined. It outlives the
 * daemon, which restarts itself to heal the token. The stream is asked for before the first look, so nothing that
 * happens after that look is missed for longer than `everyMs`.
 */
export async function* pulse({ socket, everyMs, awayMs = 1_000 }: PulseOptions): AsyncGenerator<unknown, never> {
  const left = new AbortController();
  try {
    for (;;) {
      const stream = events(socket, left.signal);
      let heard = next(stream);
      yield undefined;
      for (;;) {
        const timer = new AbortController();
        const tick = setTimeout(everyMs, TICK, { signal: timer.signal }).catch(() => TICK);
        const told = await Promise.race([heard, tick]);
        timer.abort();
        if (told === AWAY) break;
        if (told !== TICK) heard = next(stream);
        yield told === TICK ? undefined : told;
      }
      await setTimeout(awayMs);
    }
  } finally {
    left.abort();
  }
}

const TICK = Symbol('nothing was heard');
const AWAY = Symbol('the daemon went away');

async function next(stream: AsyncIterator<unknown>): Promise<unknown> {
  try {
    const { done, value } = await stream.next();
    return done ? AWAY : value;
  } catch {
    // Whoever looks at the daemon meets the reason.
    return AWAY;
  }
}
