import type { Failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import { failureFields } from '../machine/failure-fields.ts';
import { jittered, rungMs } from '../roll/backoff.ts';
import type { DaemonOptions } from './options.ts';

/** A hub throttles twins when a whole fleet rolls: a failed write is tried again after this, then after longer and longer. */
const AGAIN = { firstMs: 5_000, capMs: 10 * 60_000 };
const JITTER = 0.25;

type Options = Pick<DaemonOptions, 'clock' | 'draw' | 'log' | 'ports'>;

/**
 * The reported properties that the hub should have: one write at a time, always the newest, tried again until it is there or
 * the session has ended. The operator who looks for a missing gateway reads them.
 */
export class Reported {
  readonly #options: Options;
  #session: string | undefined;
  /** Properties that the hub does not have yet, as object and as text. */
  #wanted: { readonly reported: object; readonly text: string } | undefined;
  #pause = new AbortController();
  #isWriting = false;
  #failed: { readonly tries: number; readonly message: string } | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** @param session the open one, undefined where there is none */
  follow(session: string | undefined, reported: object): void {
    if (session !== this.#session) {
      this.#session = session;
      this.#wanted = undefined;
      this.#failed = undefined;
      this.#pause.abort();
    }
    if (session === undefined) return;
    const text = JSON.stringify(reported);
    if (text === this.#wanted?.text) return;
    this.#wanted = { reported, text };
    this.#pause.abort();
    if (!this.#isWriting) void this.#write();
  }

  /** Until the hub has everything. */
  async #write(): Promise<void> {
    const { clock, ports } = this.#options;
    this.#isWriting = true;
    while (this.#wanted !== undefined) {
      const wanted = this.#wanted;
      this.#pause = new AbortController();
      const failure = await ports.hub.report(wanted.reported).then(() => undefined, failureOf);
      // A newer write has taken its place, or the session has ended: the result does not matter.
      if (this.#wanted !== wanted) continue;
      if (failure === undefined) this.#succeeded();
      else await clock.sleep(this.#pausedFor(failure), this.#pause.signal);
    }
    this.#isWriting = false;
  }

  #succeeded(): void {
    if (this.#failed !== undefined)
      this.#options.log.info({ event: 'twin-written', message: 'The hub has the reported properties after all.' });
    this.#wanted = undefined;
    this.#failed = undefined;
  }

  #pausedFor(failure: Failure): number {
    const { draw, log } = this.#options;
    if (failure.message !== this.#failed?.message) log.warn({ event: 'twin-unwritten', ...failureFields(failure) });
    const tries = (this.#failed?.tries ?? 0) + 1;
    this.#failed = { tries, message: failure.message };
    return Math.max(failure.retryAfterMs ?? 0, Math.round(jittered(rungMs(AGAIN, tries), JITTER, draw())));
  }
}
