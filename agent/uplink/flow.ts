import { type Failure, failure } from '../failure/failure.ts';
import type { MessageQueue, Stored } from './ports.ts';
import { hasExpired } from './times.ts';

/** So long may the oldest message stay where it is while the session with the hub is open. */
const STANDS_MS = 10 * 60_000;

/**
 * One direction of a program: its queue, and whether that stands. Whatever the cause is, also one that nothing else has found: a
 * flow that stands must not look like one that has nothing to do.
 */
export class Flow {
  readonly queue: MessageQueue;
  readonly #whither: string;
  readonly #now: () => number | undefined;
  /** Messages that were not handed out, because the time that their sender gave them had passed. Since the start. */
  expired = 0;
  /** The sequence of the oldest message, at the last look. */
  #oldest: number | undefined;
  #stoodMs = 0;

  /**
   * @param whither whom its messages are for, in words
   * @param now wall clock in milliseconds; undefined while it is not credible
   */
  constructor(queue: MessageQueue, whither: string, now: () => number | undefined) {
    this.queue = queue;
    this.#whither = whither;
    this.#now = now;
  }

  /** @throws Fault NL-UPLINK-DISK */
  async next(): Promise<Stored | undefined> {
    for (;;) {
      const message = await this.queue.next();
      if (message === undefined || !hasExpired(message.topic, this.#now())) return message;
      this.expired += 1;
      this.queue.drop(message);
    }
  }

  /** @param openMs how long the session was open since the last look: without one, nothing can move */
  look(openMs: number): void {
    const oldest = this.queue.count === 0 ? undefined : this.queue.head;
    this.#stoodMs = oldest === this.#oldest ? this.#stoodMs + openMs : 0;
    this.#oldest = oldest;
  }

  /** That its oldest message stands; it is over when that one has moved, and not before. */
  get trouble(): Failure | undefined {
    if (this.#oldest === undefined || this.#stoodMs < STANDS_MS) return undefined;
    const message = `The oldest of ${this.queue.count} messages for ${this.#whither} does not move, though the session with the hub is open.`;
    return failure('NL-UPLINK-STANDS', { message });
  }
}
