/**
 * Bytes of messages that a program has sent and that are not stored yet: those of all its connections, and of connections that
 * are over. So a program has one share of the memory of the gateway, however many connections it makes.
 */
export class Share {
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  #bytes = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get isFull(): boolean {
    return this.#bytes >= this.#most;
  }

  take(bytes: number): void {
    this.#bytes += bytes;
  }

  give(bytes: number): void {
    const wasFull = this.isFull;
    this.#bytes -= bytes;
    if (wasFull && !this.isFull) for (const eased of this.#waiting) eased();
  }

  /** Calls whenever there is room again, until the returned function is called. */
  onEased(eased: () => void): () => void {
    this.#waiting.add(eased);
    return () => void this.#waiting.delete(eased);
  }
}
