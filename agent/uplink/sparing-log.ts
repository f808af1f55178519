import type { Line, Log } from '../machine/log.ts';

const PAUSE_MS = 600_000;
/** More keys than programs can have: the oldest are forgotten. */
const KEYS = 256;

/**
 * Logs an event again only after ten minutes, with how often it came meanwhile: a program that fails connects again at once,
 * for days, and the journal must not fill up with it.
 */
export class SparingLog {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #said = new Map<string, { readonly at: number; more: number }>();

  constructor(log: Log, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /**
   * @param who a program or a listener; with `event` and `what` it tells one thing from another
   * @param more of the line
   */
  warn(event: string, who: string, what: string, cause?: string, more: Omit<Line, 'event'> = {}): void {
    const key = `${event}\n${who}\n${what}`;
    const before = this.#said.get(key);
    if (before !== undefined && this.#now() - before.at < PAUSE_MS) {
      before.more += 1;
      return;
    }
    this.#said.delete(key);
    this.#said.set(key, { at: this.#now(), more: 0 });
    const [oldest] = this.#said.keys();
    if (this.#said.size > KEYS && oldest !== undefined) this.#said.delete(oldest);
    const times =
      before === undefined || before.more === 0 ? '' : ` (and ${before.more} times more since the last line)`;
    this.#log.warn({ ...more, event, message: `${who}: ${what}${times}.`, cause });
  }
}
