import { type Failure, failure } from '../failure/failure.ts';
import type { MessageQueue, QueueCounts, Stored } from './ports.ts';
import { hasExpired } from './times.ts';

export interface CountedQueue extends MessageQueue {
  readonly counts: QueueCounts;
}

/** What is known of a message that has been delivered, and has no PUBACK. */
export interface Delivered {
  /** Once in the time of the lock: a program that starts again each second does not use them up. */
  readonly count: number;
  readonly at: number;
  /** How often the client left with it. */
  readonly left: number;
}

/** So long may the oldest message stay where it is while the session with the hub is open. */
const STANDS_MS = 10 * 60_000;

/**
 * One direction of a program: its queue, and whether that stands. Whatever the cause is, also one that nothing else has found: a
 * flow that stands must not look like one that has nothing to do.
 */
export class Flow {
  readonly queue: CountedQueue;
  readonly #whither: string;
  readonly #now: () => number | undefined;
  /** Messages that were not handed out, because the time that their sender gave them had passed. Since the start. */
  expired = 0;
  /** Handed out and not dropped, since the last rewind. */
  readonly #taken = new Set<number>();
  /** How often the oldest message was dropped. */
  #moves = 0;
  #mark: string | undefined;
  #stoodMs = 0;

  /**
   * @param whither whom its messages are for, in words
   * @param now wall clock in milliseconds; undefined while it is not credible
   */
  constructor(queue: CountedQueue, whither: string, now: () => number | undefined) {
    this.queue = queue;
    this.#whither = whither;
    this.#now = now;
  }

  /** @throws Fault NL-UPLINK-DISK */
  async next(): Promise<Stored | undefined> {
    for (;;) {
      const message = await this.queue.next();
      if (message !== undefined) this.#taken.add(message.sequence);
      if (message === undefined || !hasExpired(message.topic, this.#now())) return message;
      this.expired += 1;
      this.drop(message);
    }
  }

  drop(message: Stored): void {
    if (message.sequence === Math.min(...this.#taken)) this.#moves += 1;
    this.#taken.delete(message.sequence);
    this.queue.drop(message);
  }

  rewind(): void {
    this.#taken.clear();
    this.queue.rewind();
  }

  /** @param openMs how long the session was open since the last look: without one, nothing can move */
  look(openMs: number): void {
    const { count, oldestAt } = this.queue;
    const mark = count === 0 ? undefined : `${oldestAt} ${this.#moves}`;
    this.#stoodMs = mark === this.#mark ? this.#stoodMs + openMs : 0;
    this.#mark = mark;
  }

  /** That its oldest message stands; it is over when that one has moved, and not before. */
  get trouble(): Failure | undefined {
    if (this.#mark === undefined || this.#stoodMs < STANDS_MS) return undefined;
    const message = `The oldest of ${this.queue.count} messages for ${this.#whither} does not move, though the session with the hub is open.`;
    return failure('NL-UPLINK-STANDS', { message });
  }
}
