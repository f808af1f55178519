import { without } from '../roll/moves.ts';
import type { RollState } from '../roll/state.ts';
import type { Clock } from '../time/clock.ts';
import type { Happened } from './perform.ts';

const TROUBLES = ['workTrouble', 'sessionTrouble'] as const;
type TroubleField = (typeof TROUBLES)[number];

/** Knows what was met by a clock that has been set since: complaints about a server certificate, and the last server itself. */
export class OtherClock {
  readonly #clock: Clock;
  readonly #stepMs: number;
  /** By how much the wall clock was ahead of the monotonic one when each trouble was met. */
  #offsets: Record<TroubleField, number>;
  /** Of the process before this one. */
  #lastSeen: number | undefined;

  /** @param stepMs wall clock and monotonic clock drift apart by less than this, unless one of them was set */
  constructor(clock: Clock, stepMs: number) {
    this.#clock = clock;
    this.#stepMs = stepMs;
    this.#offsets = this.#now();
  }

  /** @param state as it was read: what it says of the last server is another process's */
  begin(state: RollState): void {
    this.#lastSeen = state.lastSeen;
    this.forget();
  }

  /** Whether this process has seen a server at a moment that is still to come: the clock was set back since. */
  seen(happened: Happened, { lastSeen }: RollState): Happened {
    const isOwn = lastSeen !== undefined && lastSeen !== this.#lastSeen;
    const isSetBack = happened.kind === 'woken' && isOwn && this.#clock.now() < lastSeen;
    return isSetBack ? { ...happened, isSetBack } : happened;
  }

  /** Nothing is tried anew for this step, so what was met is not over. */
  forget(): void {
    this.#offsets = this.#now();
  }

  /** Notes the clock at which a trouble was met. */
  follow(before: RollState, state: RollState): void {
    for (const field of TROUBLES) if (state[field] !== before[field]) this.#offsets[field] = aheadMs(this.#clock);
  }

  /** The state as others see it: without these complaints. */
  shown(state: RollState): RollState {
    const isOver = (field: TroubleField) =>
      state[field]?.failure.code.endsWith('-UNTRUSTED') === true &&
      Math.abs(aheadMs(this.#clock) - this.#offsets[field]) > this.#stepMs;
    const over = TROUBLES.filter(isOver);
    return over.length === 0 ? state : without(state, ...over);
  }

  #now(): Record<TroubleField, number> {
    return { workTrouble: aheadMs(this.#clock), sessionTrouble: aheadMs(this.#clock) };
  }
}

/** By how much the wall clock is ahead of the monotonic one, in milliseconds. */
export const aheadMs = (clock: Clock): number => clock.now() - clock.monotonic();
