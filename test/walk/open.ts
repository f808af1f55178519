/** Pairs that wait for their turn: the nearest and, by a fixed draw, one from anywhere, by turns. */
export class Open<T> {
  readonly #waiting: (T | undefined)[] = [];
  #nearest = 0;
  #left = 0;
  #turn = 0;
  #draw = 1;

  add(one: T): void {
    this.#waiting.push(one);
    this.#left += 1;
  }

  next(): T | undefined {
    if (this.#left === 0) return undefined;
    this.#turn += 1;
    const place = this.#turn % 2 === 0 ? this.#anywhere() : this.#first(this.#nearest);
    if (this.#turn % 2 === 1) this.#nearest = place + 1;
    const one = this.#waiting[place];
    this.#waiting[place] = undefined;
    this.#left -= 1;
    return one;
  }

  /** The first that waits, from this place on. */
  #first(from: number): number {
    const place = this.#waiting.findIndex((one, at) => at >= from && one !== undefined);
    return place >= 0 ? place : this.#waiting.findIndex((one) => one !== undefined);
  }

  /** Multiplicative congruential generator (Park and Miller, 1988): the same places in each run. */
  #anywhere(): number {
    this.#draw = (this.#draw * 48_271) % 2_147_483_647;
    return this.#first(this.#draw % this.#waiting.length);
  }
}
