export interface Sleeper {
  /** Monotonic moment, milliseconds. */
  readonly due: number;
  /** Of two that are due at one moment, the one that went to sleep first wakes first. */
  readonly order: number;
  readonly wake: () => void;
  isAwake: boolean;
}

const isBefore = (one: Sleeper, other: Sleeper): boolean =>
  one.due < other.due || (one.due === other.due && one.order < other.order);

/** A binary heap: with ten thousand gateways, to look at each sleeper for each step takes hours. */
export class Sleepers {
  readonly #heap: Sleeper[] = [];

  add(sleeper: Sleeper): void {
    const heap = this.#heap;
    let at = heap.push(sleeper) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = heap[above];
      if (other === undefined || !isBefore(sleeper, other)) break;
      heap[at] = other;
      at = above;
    }
    heap[at] = sleeper;
  }

  /** The next to wake. Those that an abort has woken are left out. */
  soonest(): Sleeper | undefined {
    while (this.#heap[0]?.isAwake) this.#drop();
    return this.#heap[0];
  }

  #drop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      if (left === undefined) break;
      const isRight = right !== undefined && isBefore(right, left);
      const least = isRight ? right : left;
      if (!isBefore(least, last)) break;
      heap[at] = least;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = last;
  }
}
