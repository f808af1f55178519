import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../agent/time/clock.ts';

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it. */
export class TestClock implements Clock {
  #wall: number;
  #monotonic = 0;
  readonly #sleepers = new Set<Sleeper>();
  readonly #watchers = new Set<() => void>();

  constructor(wall: number | string = '2030-01-01T00:00:00Z') {
    this.#wall = new Date(wall).getTime();
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  sleep(ms: number, abort: AbortSignal): Promise<void> {
    if (abort.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers.delete(sleeper);
        abort.removeEventListener('abort', wake);
        resolve();
      };
      const sleeper = { due: this.#monotonic + ms, wake };
      this.#sleepers.add(sleeper);
      abort.addEventListener('abort', wake);
      for (const watcher of this.#watchers) watcher();
    });
  }

  /** Waits until the code under test sleeps, then answers with how long the soonest sleeper still wants to, in milliseconds. */
  async asleep(sleepers = 1): Promise<number> {
    while (this.#sleepers.size < sleepers) {
      await new Promise<void>((resolve) => {
        const watcher = () => {
          this.#watchers.delete(watcher);
          resolve();
        };
        this.#watchers.add(watcher);
      });
    }
    return Math.min(...[...this.#sleepers].map(({ due }) => due)) - this.#monotonic;
  }

  /** Time passes on both clocks. Sleepers wake one after the other, each at its own moment, and get to run. */
  async pass(ms: number): Promise<void> {
    const end = this.#monotonic + ms;
    for (;;) {
      let next: Sleeper | undefined;
      for (const one of this.#sleepers) if (one.due <= end && one.due < (next?.due ?? Infinity)) next = one;
      this.#moveTo(next?.due ?? end);
      next?.wake();
      await setImmediate();
      if (next === undefined) return;
    }
  }

  /** The wall clock steps (NTP, a person, a dead battery); nobody wakes. */
  step(ms: number): void {
    this.#wall += ms;
  }

  #moveTo(monotonic: number): void {
    const passed = Math.max(0, monotonic - this.#monotonic);
    this.#monotonic += passed;
    this.#wall += passed;
  }
}
