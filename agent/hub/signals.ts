import type { HubSignal } from '../roll/ports.ts';

/** A queue that is read in order, by one reader at a time, and has no end. */
export class Signals implements AsyncIterable<HubSignal> {
  readonly #waiting: HubSignal[] = [];
  #wake = (): void => {};

  push(signal: HubSignal): void {
    this.#waiting.push(signal);
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<HubSignal, never> {
    for (;;) {
      const signal = this.#waiting.shift();
      if (signal !== undefined) yield signal;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
