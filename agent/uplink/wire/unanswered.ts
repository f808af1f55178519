import type { Share } from './share.ts';

interface Waiting {
  readonly bytes: number;
  /** Undefined until its work is done. */
  outcome?: { readonly error?: unknown };
  readonly answer: () => void;
}

/** What a client has asked for and is not answered yet. */
export class Unanswered {
  readonly #most: number;
  readonly #share: Share;
  /** Called when there may be room again. */
  readonly #eased: () => void;
  /** Called once, with the first failure. */
  readonly #failed: (error: unknown) => void;
  /** Messages of QoS 1, in the order of arrival. */
  readonly #inOrder: Waiting[] = [];
  #count = 0;
  #hasFailed = false;

  /** @param most requests at a time */
  constructor(most: number, share: Share, eased: () => void, failed: (error: unknown) => void) {
    this.#most = most;
    this.#share = share;
    this.#eased = eased;
    this.#failed = failed;
  }

  /** Whether nothing more may be read from the client for now, or at all. */
  get isFull(): boolean {
    return this.#hasFailed || this.#count >= this.#most || this.#share.isFull;
  }

  /**
   * MQTT 3.1.1 section 4.6: "It MUST send PUBACK packets in the order in which the corresponding PUBLISH packets were received".
   * A failure stops those behind it, too: the client sends them all again, in order.
   */
  inOrder(bytes: number, work: Promise<void>, answer: () => void): void {
    const waiting: Waiting = { bytes, answer };
    this.#inOrder.push(waiting);
    this.#begin(bytes);
    work.then(
      () => this.#settle(waiting, {}),
      (error: unknown) => this.#settle(waiting, { error }),
    );
  }

  /** What is answered, or not, whenever it is done. */
  anyTime(bytes: number, work: Promise<void>): void {
    this.#begin(bytes);
    work.then(
      () => this.#end(bytes),
      (error: unknown) => {
        this.#end(bytes);
        this.#fail(error);
      },
    );
  }

  #begin(bytes: number): void {
    this.#count += 1;
    this.#share.take(bytes);
  }

  #end(bytes: number): void {
    this.#count -= 1;
    this.#free(bytes);
  }

  #settle(waiting: Waiting, outcome: { readonly error?: unknown }): void {
    waiting.outcome = outcome;
    // Nothing more is read then, so the client does not send in vain what it must send again.
    if ('error' in outcome && this.#inOrder[0] !== waiting) this.#hasFailed = true;
    this.#answer();
    // Also of one that failed, and of those behind it: the program has the share for all of its connections, those to come, too.
    this.#free(waiting.bytes);
  }

  #answer(): void {
    for (let first = this.#inOrder[0]; first?.outcome !== undefined; first = this.#inOrder[0]) {
      if ('error' in first.outcome) {
        this.#fail(first.outcome.error);
        return;
      }
      this.#inOrder.shift();
      this.#count -= 1;
      first.answer();
    }
  }

  /** The message is stored, or given up. */
  #free(bytes: number): void {
    this.#share.give(bytes);
    this.#eased();
  }

  #fail(error: unknown): void {
    this.#hasFailed = true;
    this.#failed(error);
  }
}
