import { Failed } from '../../agent/cli/kit/command.ts';
import { isAway } from './refusal.ts';

/**
 * Calls in a row without an answer after which DPS or the hub counts as down. Each has been repeated for seconds by then, and
 * twice as many as are under way at the same time have failed: one short outage is no end.
 */
const MOST = 8;

/** Tells an outage of the other side from the faults of single devices: of those, each has another answer. */
export class Silence {
  #inARow = 0;
  #words = '';

  /** Takes part in one piece of work. @throws what the work throws */
  async during<T>(work: () => Promise<T>): Promise<T> {
    try {
      const done = await work();
      this.#inARow = 0;
      return done;
    } catch (error) {
      this.#inARow = isAway(error) ? this.#inARow + 1 : 0;
      if (error instanceof Failed) this.#words = error.message;
      throw error;
    }
  }

  get isLasting(): boolean {
    return this.#inARow >= MOST;
  }

  /** For the person who waits. */
  get words(): string {
    return `The other side is down: ${MOST} calls in a row had no answer, so no more are begun. The last one: ${this.#words}`;
  }
}
