import type { Timers } from './limits.ts';

/** Notices that a client says nothing for too long, with one timer however much it says. */
export class Silence {
  readonly #timers: Timers;
  readonly #longestMs: number;
  readonly #tooLong: () => void;
  #heardAt: number;
  #cancel: () => void = () => {};

  /** @param excused whether the client cannot be heard, because it is not read from */
  constructor(timers: Timers, longestMs: number, excused: () => boolean, tooLong: () => void) {
    this.#timers = timers;
    this.#longestMs = longestMs;
    this.#tooLong = tooLong;
    this.#heardAt = timers.monotonic();
    this.#arm(longestMs, excused);
  }

  heard(): void {
    this.#heardAt = this.#timers.monotonic();
  }

  end(): void {
    this.#cancel();
  }

  #arm(ms: number, excused: () => boolean): void {
    this.#cancel = this.#timers.after(ms, () => {
      if (excused()) this.heard();
      const left = this.#heardAt + this.#longestMs - this.#timers.monotonic();
      if (left <= 0) this.#tooLong();
      else this.#arm(left, excused);
    });
  }
}
