import type { Socket } from 'node:net';
import type { Attempt } from '../mqtt/attempt.ts';

/**
 * How long the first way goes alone without a TCP connection, in milliseconds: its SYNs at 0, 1 and 3 s (RFC 6298) have had no
 * answer then.
 */
export const ALONE_MS = 5_000;

/**
 * The second way of an attempt, which may begin beside the first one, as RFC 8305 has it for addresses. That is TCP only: a
 * server sees one TLS connection and one CONNECT in any case. A link that is merely slow is slow over both ways, and the first
 * one began earlier.
 */
export class Beside {
  readonly #connect: (abort: AbortSignal) => Promise<Socket>;
  readonly #left = new AbortController();
  #connecting: Promise<Socket | undefined> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isTaken = false;

  /** @param connect over the second way */
  constructor(connect: (abort: AbortSignal) => Promise<Socket>) {
    this.#connect = connect;
  }

  /**
   * Begins when the first way has been alone for so long.
   * @param first is looked at while it goes on
   * @returns fires when there is a TCP connection over the second way, and none over the first
   */
  watch(first: Attempt, aloneMs: number): AbortSignal {
    const overtaken = new AbortController();
    const overtake = async (): Promise<void> => {
      if (first.phase !== 'tcp' || (await this.#begin()) === undefined || this.#isTaken) return;
      if (first.phase === 'tcp') overtaken.abort();
      else this.leave();
    };
    this.#timer = setTimeout(() => void overtake(), aloneMs);
    return overtaken.signal;
  }

  /** The connection, made now where it was not begun; undefined where there is none. It is the caller's. */
  take(): Promise<Socket | undefined> {
    clearTimeout(this.#timer);
    this.#isTaken = true;
    return this.#begin();
  }

  /** Ends what was begun, and not taken. */
  leave(): void {
    clearTimeout(this.#timer);
    if (this.#isTaken) return;
    this.#left.abort();
    void this.#connecting?.then((socket) => socket?.destroy());
  }

  #begin(): Promise<Socket | undefined> {
    this.#connecting ??= this.#connect(this.#left.signal).catch(() => undefined);
    return this.#connecting;
  }
}
