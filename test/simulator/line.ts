interface Waiting {
  /** Of performance.now(). */
  readonly due: number;
  readonly act: () => void;
}

/** Does things in the order in which they came, each not before its time. */
export class Line {
  readonly #waiting: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** At once where there is nothing to wait for. */
  add(waitMs: number, act: () => void): void {
    const last = this.#waiting.at(-1);
    if (waitMs <= 0 && last === undefined) {
      act();
      return;
    }
    this.#waiting.push({ due: Math.max(performance.now() + waitMs, last?.due ?? 0), act });
    if (last === undefined) this.#wait(waitMs);
  }

  /** What waits is not done any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#waiting.length = 0;
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => this.#act(), ms);
  }

  #act(): void {
    for (let [first] = this.#waiting; first !== undefined; [first] = this.#waiting) {
      const left = first.due - performance.now();
      if (left > 0) {
        this.#wait(left);
        return;
      }
      first.act();
      this.#waiting.shift();
    }
  }
}
