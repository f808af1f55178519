/** So many requests in a window of time. How Azure counts is not documented. */
export class Window {
  #from = 0;
  #requests = 0;

  /** Counts one more. @returns the seconds until the window is over, where it is one too many */
  excess(rate: number, ms: number): number | undefined {
    const now = Date.now();
    if (now - this.#from >= ms) {
      this.#from = now;
      this.#requests = 0;
    }
    this.#requests += 1;
    if (this.#requests <= rate) return undefined;
    return Math.max(1, Math.ceil((this.#from + ms - now) / 1_000));
  }
}
