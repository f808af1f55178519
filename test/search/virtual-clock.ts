import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../agent/time/clock.ts';
import { type Sleeper, Sleepers } from './sleepers.ts';

/** A clock that jumps from one moment at which something happens to the next: a month passes in seconds. */
export class VirtualClock implements Clock {
  #wall: number;
  #monotonic = 0;
  #order = 0;
  /** Monotonic moments at which the wall clock was set. */
  readonly steps: number[] = [];
  readonly #sleepers = new Sleepers();

  constructor(wall: number) {
    this.#wall = wall;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  sleep(ms: number, abort?: AbortSignal): Promise<void> {
    if (abort?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        sleeper.isAwake = true;
        abort?.removeEventListener('abort', wake);
        resolve();
      };
      this.#order += 1;
      const due = this.#monotonic + Math.max(0, ms);
      const sleeper: Sleeper = { due, order: this.#order, wake, isAwake: false };
      this.#sleepers.add(sleeper);
      abort?.addEventListener('abort', wake);
    });
  }

  /** The wall clock alone is set. */
  step(ms: number): void {
    if (ms === 0) return;
    this.#wall += ms;
    this.steps.push(this.#monotonic);
  }

  /** Lets time pass on both clocks; whoever sleeps wakes at its own moment, and has done what it does before the next wakes. */
  async pass(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    await setImmediate();
    for (;;) {
      const next = this.#sleepers.soonest();
      const until = next === undefined || next.due > end ? end : next.due;
      this.#wall += until - this.#monotonic;
      this.#monotonic = until;
      if (next === undefined || next.due > end) return;
      next.wake();
      await setImmediate();
    }
  }
}
