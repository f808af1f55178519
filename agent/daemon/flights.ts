import type { Failure } from '../failure/failure.ts';
import type { Flying } from '../roll/core/memory.ts';
import type { Plan } from '../roll/core/plan.ts';
import { isSame } from '../roll/core/plan.ts';
import type { RollEffect } from '../roll/state.ts';
import type { Clock } from '../time/clock.ts';
import type { Happened } from './perform.ts';
import { SLOW_MS, slowStep } from './slow.ts';

interface FlightsOptions {
  readonly clock: Clock;
  readonly attempt: (effect: RollEffect, abort: AbortSignal) => Promise<Happened>;
  /** Gets the event, and a function to call when the event is worked on. */
  readonly happened: (event: Happened, landed: () => void) => void;
}

interface Flight {
  readonly effect: RollEffect;
  readonly abort: AbortController;
  /** Monotonic clock, milliseconds. */
  readonly begunAt: number;
  isBack?: true;
}

/** One effect in flight at a time: of the work, or of the session with the current leaf. */
export class Lane {
  readonly #options: FlightsOptions;
  #flight: Flight | undefined;
  #waiting: { readonly end: number; readonly abort: AbortController } | undefined;

  constructor(options: FlightsOptions) {
    this.#options = options;
  }

  get flying(): RollEffect | undefined {
    return this.#flight?.effect;
  }

  /** How long the current attempt has lasted, in milliseconds; 0 where there is none. */
  lastingMs(): number {
    return this.#flight === undefined || this.#flight.isBack
      ? 0
      : this.#options.clock.monotonic() - this.#flight.begunAt;
  }

  /** The attempt, once it takes longer than most do. @param now wall clock, milliseconds */
  slow(now: number): Failure | undefined {
    const ms = this.lastingMs();
    return this.flying === undefined || ms < SLOW_MS ? undefined : slowStep(this.flying.kind, now - ms);
  }

  /** The same effect goes on undisturbed, another one is ended first. @param waitMs where there is none: until a new plan is made */
  set(effect: RollEffect | undefined, waitMs = Number.POSITIVE_INFINITY): void {
    this.#wait(effect === undefined ? waitMs : Number.POSITIVE_INFINITY);
    if (effect !== undefined && this.#flight !== undefined && isSame(effect, this.#flight.effect)) return;
    this.#flight?.abort.abort();
    this.#flight = undefined;
    if (effect === undefined) return;
    const flight: Flight = { effect, abort: new AbortController(), begunAt: this.#options.clock.monotonic() };
    this.#flight = flight;
    void this.#fly(flight);
  }

  #wait(ms: number): void {
    const { clock, happened } = this.#options;
    const end = clock.monotonic() + Math.ceil(ms);
    if (this.#waiting?.end === end) return;
    this.#waiting?.abort.abort();
    this.#waiting = undefined;
    if (ms === Number.POSITIVE_INFINITY) return;
    const waiting = { end, abort: new AbortController() };
    this.#waiting = waiting;
    void clock.sleep(Math.ceil(ms), waiting.abort.signal).then(() => {
      if (this.#waiting !== waiting) return;
      this.#waiting = undefined;
      happened({ kind: 'woken' }, () => {});
    });
  }

  async #fly(flight: Flight): Promise<void> {
    const { attempt, happened } = this.#options;
    const event = await attempt(flight.effect, flight.abort.signal);
    // The result of an aborted effect is dropped.
    if (flight.abort.signal.aborted) return;
    flight.isBack = true;
    happened(event, () => {
      if (this.#flight === flight) this.#flight = undefined;
    });
  }
}

export class Flights {
  readonly work: Lane;
  readonly session: Lane;

  constructor(options: FlightsOptions) {
    this.work = new Lane(options);
    this.session = new Lane(options);
  }

  get flying(): Flying {
    return { work: this.work.flying, session: this.session.flying };
  }

  /** @param asks those of the plan that the disk allows */
  follow({ session, work }: Plan, asks: readonly RollEffect[]): void {
    const isSession = (effect: RollEffect) => session !== undefined && isSame(effect, session.effect);
    const later = (wait = Number.POSITIVE_INFINITY) => (wait > 0 ? wait : Number.POSITIVE_INFINITY);
    this.work.set(
      asks.find((one) => !isSession(one)),
      later(work?.wait),
    );
    this.session.set(asks.find(isSession), later(session?.wait));
  }

  end(): void {
    this.work.set(undefined);
    this.session.set(undefined);
  }
}
