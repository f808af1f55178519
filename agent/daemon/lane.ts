import type { Failure } from '../failure/failure.ts';
import { LARGEST_PAUSE_MS } from '../roll/backoff.ts';
import { placeOf } from '../roll/leaf.ts';
import type { RollEffect } from '../roll/state.ts';
import type { Clock } from '../time/clock.ts';
import type { Happened } from './perform.ts';
import { SLOW_MS, slowStep } from './slow.ts';

/** The reason for a pause: our own ladder, the far side, the brake, or the session that must come first. */
export type Pacer = 'ladder' | 'far-side' | 'brake' | 'session';

export interface LaneOptions {
  readonly clock: Clock;
  readonly attempt: (effect: RollEffect, abort: AbortSignal) => Promise<Happened>;
  /** Gets the event, and a function to call when the event is worked on. */
  readonly happened: (event: Happened, landed: () => void) => void;
}

interface Flight {
  readonly key: string;
  readonly kind: RollEffect['kind'];
  readonly pacer: Pacer;
  readonly abort: AbortController;
  /** Ends the pause before the attempt; undefined once it is under way. */
  wake?: AbortController;
  /** When it was put in flight, on the monotonic clock, and how long it waits, in milliseconds. */
  readonly setAt: number;
  pauseMs: number;
  /** When the attempt began, on the monotonic clock. */
  begunAt?: number;
}

interface Failed {
  readonly tries: number;
  /** Monotonic clock, milliseconds. */
  readonly at: number;
}

/** Longer than the longest pause: a ladder that was left for so long begins anew. */
const FORGOTTEN_MS = 2 * LARGEST_PAUSE_MS;

/**
 * One effect in flight at a time. There are two lanes: the work, and the session with the current leaf, which is kept through
 * a roll. A lane counts how often its effect has failed in a row; the caller decides how long to pause.
 */
export class Lane {
  readonly #options: LaneOptions;
  #flight: Flight | undefined;
  /** By ladder: one that is left for other work goes on when that is over. */
  readonly #failed = new Map<string, Failed>();

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Failures in a row of this effect. */
  tries(effect: RollEffect): number {
    const failed = this.#failed.get(ladderOf(effect));
    return failed === undefined || this.#isForgotten(failed) ? 0 : failed.tries;
  }

  /** How long the current attempt has lasted, in milliseconds; 0 where there is none. */
  lastingMs(): number {
    const begunAt = this.#flight?.begunAt;
    return begunAt === undefined ? 0 : this.#options.clock.monotonic() - begunAt;
  }

  /** The attempt, once it takes longer than most do. @param now wall clock, milliseconds */
  slow(now: number): Failure | undefined {
    const ms = this.lastingMs();
    return this.#flight === undefined || ms < SLOW_MS ? undefined : slowStep(this.#flight.kind, now - ms);
  }

  /** Whether the attempt in flight waits for the brake. */
  get isBraked(): boolean {
    return this.#flight?.wake !== undefined && this.#flight.pacer === 'brake';
  }

  has(effect: RollEffect): boolean {
    return this.#flight?.key === nameOf(effect);
  }

  /** Puts this effect in flight. The same one goes on undisturbed, another one is ended first. */
  set(effect: RollEffect | undefined, pauseMs = 0, pacer: Pacer = 'ladder'): void {
    const key = effect && nameOf(effect);
    for (const [ladder, failed] of this.#failed) if (this.#isForgotten(failed)) this.#failed.delete(ladder);
    if (this.#flight?.key === key) return;
    this.#flight?.abort.abort();
    this.#flight = undefined;
    if (effect === undefined || key === undefined) return;
    const flight: Flight = {
      key,
      kind: effect.kind,
      pacer,
      abort: new AbortController(),
      setAt: this.#options.clock.monotonic(),
      pauseMs,
    };
    this.#flight = flight;
    void this.#fly(flight, effect);
  }

  /** Ends a pause early: a person in front of the gateway does not wait for a ladder. @param of reasons of pauses to end */
  hurry(of: readonly Pacer[] = ['ladder', 'far-side', 'brake', 'session']): void {
    if (this.#flight !== undefined && of.includes(this.#flight.pacer)) this.#flight.wake?.abort();
  }

  /** The pause of our own ladder ends so long after it began, if it would end later. @param mostMs milliseconds */
  shorten(mostMs: number): void {
    const flight = this.#flight;
    if (flight?.wake === undefined || flight.pacer !== 'ladder' || flight.pauseMs <= mostMs) return;
    flight.pauseMs = mostMs;
    const { wake, setAt } = flight;
    const { clock } = this.#options;
    void clock.sleep(Math.max(0, setAt + mostMs - clock.monotonic()), wake.signal).then(() => wake.abort());
  }

  async #fly(flight: Flight, effect: RollEffect): Promise<void> {
    const { clock, attempt, happened } = this.#options;
    if (flight.pauseMs > 0) {
      flight.wake = new AbortController();
      await clock.sleep(flight.pauseMs, AbortSignal.any([flight.wake.signal, flight.abort.signal]));
      delete flight.wake;
    }
    if (flight.abort.signal.aborted) return;
    flight.begunAt = clock.monotonic();
    const event = await attempt(effect, flight.abort.signal);
    // The result of an aborted effect is dropped.
    if (flight.abort.signal.aborted) return;
    // The effect stays in flight until its event is worked on: earlier work must not start it again.
    delete flight.begunAt;
    happened(event, () => {
      if (this.#flight !== flight) return;
      this.#flight = undefined;
      this.#failed.set(ladderOf(effect), {
        tries: triesAfter(event, effect, this.tries(effect)),
        at: clock.monotonic(),
      });
    });
  }

  #isForgotten({ at }: Failed): boolean {
    return this.#options.clock.monotonic() >= at + FORGOTTEN_MS;
  }
}

/** Of DPS an answer takes one rung away, and not all: it may answer about the other leaf only, or each second time. */
function triesAfter(event: Happened, { kind }: RollEffect, tries: number): number {
  const isAnswer = event.kind !== 'failed' || (kind === 'register' && event.failure.kind === 'refused');
  if (!isAnswer) return tries + 1;
  return kind === 'register' ? Math.max(0, tries - 1) : 0;
}

/** If DPS does not answer about one leaf, asking about the other must not double the calls. */
function ladderOf(effect: RollEffect): string {
  return effect.kind === 'register' ? effect.kind : nameOf(effect);
}

/** Two effects are the same when they do the same to the same key. */
function nameOf(effect: RollEffect): string {
  if (effect.kind === 'generate-key') return `${effect.kind} ${effect.slot} ${effect.id}`;
  if (!('leaf' in effect)) return `${effect.kind} ${effect.key.id}`;
  const place = effect.kind === 'connect' ? placeOf(effect.assignment) : '';
  return `${effect.kind} ${effect.leaf.thumbprint} ${place}`;
}
