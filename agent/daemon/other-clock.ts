import { without } from '../roll/core/memory.ts';
import type { RollState } from '../roll/state.ts';
import type { Clock } from '../time/clock.ts';
import type { Happened } from './perform.ts';

/** Wall clock and monotonic clock drift apart by less than this between two looks, unless one of them was set. */
const STEP_MS = 5_000;
/** For so long after a step only a far larger one is answered, in milliseconds. */
const CALM_MS = 60 * 60_000;

const TROUBLES = ['workTrouble', 'sessionTrouble'] as const;
type TroubleField = (typeof TROUBLES)[number];

/** Knows what was met by a clock that has been set since: complaints about a server certificate, and the last server itself. */
export class OtherClock {
  readonly #clock: Clock;
  /** By how much the wall clock was ahead of the monotonic one when each trouble was met. */
  #offsets: Record<TroubleField, number>;
  /** Of the process before this one. */
  #lastSeen: number | undefined;
  /** The last step that was answered. */
  #step = { at: Number.NEGATIVE_INFINITY, ms: 0 };

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offsets = this.#now();
  }

  /** @param state as it was read: what it says of the last server is another process's */
  begin(state: RollState): void {
    this.#lastSeen = state.lastSeen;
    this.#offsets = this.#now();
  }

  /** Whether this process has seen a server at a moment that is still to come: the clock was set back since. */
  seen(happened: Happened, { lastSeen }: RollState): Happened {
    const isOwn = lastSeen !== undefined && lastSeen !== this.#lastSeen;
    const isSetBack = happened.kind === 'woken' && isOwn && this.#clock.now() < lastSeen;
    return isSetBack ? { ...happened, isSetBack } : happened;
  }

  /**
   * Whether the clock was set by so much that failures are tried anew: a wrong clock may have caused them, as a server
   * certificate or leaf that was not valid yet. Where they are not, what was met is not over.
   */
  answers(ms: number): boolean {
    if (ms <= STEP_MS) return false;
    const at = this.#clock.monotonic();
    // A clock that jumps to and fro each minute would end every ladder; a correction of the clock is a larger step.
    const isSmall = at < this.#step.at + CALM_MS && ms < 10 * this.#step.ms;
    if (isSmall) this.#offsets = this.#now();
    else this.#step = { at, ms };
    return !isSmall;
  }

  /** Notes the clock at which a trouble was met. */
  follow(before: RollState, state: RollState): void {
    for (const field of TROUBLES) if (state[field] !== before[field]) this.#offsets[field] = aheadMs(this.#clock);
  }

  /** The state as others see it: without these complaints. */
  shown(state: RollState): RollState {
    const isOver = (field: TroubleField) =>
      state[field]?.failure.code.endsWith('-UNTRUSTED') === true &&
      Math.abs(aheadMs(this.#clock) - this.#offsets[field]) > STEP_MS;
    const over = TROUBLES.filter(isOver);
    return over.length === 0 ? state : without(state, ...over);
  }

  #now(): Record<TroubleField, number> {
    return { workTrouble: aheadMs(this.#clock), sessionTrouble: aheadMs(this.#clock) };
  }
}

/** By how much the wall clock is ahead of the monotonic one, in milliseconds. */
export const aheadMs = (clock: Clock): number => clock.now() - clock.monotonic();
