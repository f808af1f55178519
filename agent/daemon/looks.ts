import type { Log } from '../machine/log.ts';
import { iso } from '../roll/report.ts';
import type { Clock } from '../time/clock.ts';
import { aheadMs } from './other-clock.ts';

/** How often the clock is looked at, so that a step is noticed. */
const LOOK_MS = 60_000;

interface LooksOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Another bound of the time between two looks, in milliseconds. */
  readonly everyMs: () => number;
  /** Planned moments by the wall clock, in milliseconds. */
  readonly moments: () => readonly (number | undefined)[];
  /** Whether a clock that was set by so many milliseconds is answered. */
  readonly isStep: (ms: number) => boolean;
  readonly woken: (isStepped: boolean) => void;
}

/** Wakes the loop at the next planned moment, and looks at the clock once a minute. */
export class Looks {
  readonly #options: LooksOptions;
  /** The sleep until the next look: its end by the monotonic clock, and the abort that cuts it short. */
  #nap = { end: 0, abort: new AbortController() };
  /** Wall clock of the last look. A moment that had passed by then waits for something else, and is looked at with the rest. */
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: LooksOptions) {
    this.#options = options;
  }

  async run(abort: AbortSignal): Promise<void> {
    const { clock, log, isStep, woken } = this.#options;
    abort.addEventListener('abort', () => this.#nap.abort.abort(), { once: true });
    while (!abort.aborted) {
      const ms = this.#untilNext();
      const offset = aheadMs(clock);
      const nap = { end: clock.monotonic() + ms, abort: new AbortController() };
      this.#nap = nap;
      if (ms > 0) await clock.sleep(ms, nap.abort.signal);
      const isStepped = !abort.aborted && isStep(Math.abs(aheadMs(clock) - offset));
      if (isStepped) log.info({ event: 'clock-stepped', at: iso(clock.now()) });
      // A nap that was cut short may have seen the step, and the next one does not.
      if (nap.abort.signal.aborted && !isStepped) continue;
      this.#lookedAt = clock.now();
      woken(isStepped);
    }
  }

  /** A moment before the next look may have been planned since. */
  sooner(): void {
    if (this.#options.clock.monotonic() + this.#untilNext() < this.#nap.end) this.#nap.abort.abort();
  }

  #untilNext(): number {
    const { clock, everyMs, moments } = this.#options;
    const next = moments().filter((at): at is number => at !== undefined && at > this.#lookedAt);
    const moment = Math.min(...next, Number.POSITIVE_INFINITY);
    return Math.min(LOOK_MS, everyMs(), Math.max(0, moment - clock.now()));
  }
}
