import type { Log } from '../machine/log.ts';
import type { Notify } from '../machine/notify.ts';
import type { Lane } from './flights.ts';

/**
 * Every effect ends within ten minutes by a deadline of its own, also what a job does for the next leaf (time/token-limits.ts); only
 * a module that hangs on a thread of the pool, in this process, does not.
 */
const STUCK_MS = 15 * 60_000;

/**
 * The engine of OpenSSL signs on the main thread, where newleaf looks keys up as well. With p11-kit-client 0.25.5 it never returns
 * where the server dies under it. Real handshakes are through in a second or two, also with a slow TPM.
 */
const CALL_MS = 30_000;

/** Messages to systemd about the loop. */
export class Vitals {
  readonly #notify: Notify;
  readonly #log: Log;
  readonly #lanes: readonly Lane[];
  readonly #sooner: () => void;
  #line = '';
  readonly #under = { calls: 0, keys: 0 };
  /** The limit that systemd knows, in milliseconds. */
  #toldMs: number;

  /** @param sooner has the loop turn as often as `everyMs` says from now on */
  constructor(notify: Notify, log: Log, lanes: readonly Lane[], sooner: () => void) {
    this.#notify = notify;
    this.#log = log;
    this.#lanes = lanes;
    this.#sooner = sooner;
    this.#toldMs = this.#limitMs();
  }

  /** The loop must turn this often, in milliseconds: sd_watchdog_enabled(3) recommends half of the limit. */
  get everyMs(): number {
    return this.#toldMs / 2;
  }

  /**
   * Calls of the module, handshakes among them: the token may hang the whole process, so the loop must turn more often. Keys: the
   * token may be busy for minutes, making an RSA key; a module with one lock for all (one of tpm2-pkcs11 1.9.1 stands for the TPM)
   * keeps a call waiting meanwhile, and with it the process.
   */
  async during<T>(what: 'calls' | 'keys', work: () => Promise<T>): Promise<T> {
    await this.#change(what, 1);
    try {
      return await work();
    } finally {
      void this.#change(what, -1);
    }
  }

  async #change(what: 'calls' | 'keys', by: 1 | -1): Promise<void> {
    this.#under[what] += by;
    // One lookup follows another, and before systemd 253 each message starts a process: the limit goes up again with the next turn.
    if (by === 1 || this.#limitMs() < this.#toldMs) await this.#expect();
  }

  async #expect(): Promise<void> {
    const limitMs = this.#limitMs();
    if (limitMs === this.#toldMs) return;
    this.#toldMs = limitMs;
    this.#sooner();
    await this.#notify.expect(limitMs);
  }

  #limitMs(): number {
    const { watchdogMs = Number.POSITIVE_INFINITY } = this.#notify;
    const { calls, keys } = this.#under;
    const isShort = calls > 0 && keys === 0 && watchdogMs < Number.POSITIVE_INFINITY;
    return isShort ? Math.min(CALL_MS, watchdogMs) : watchdogMs;
  }

  /**
   * Called only when the loop has worked on something: a timer would go on beside a loop that waits for ever. The watchdog is
   * not fed either for a loop whose work hangs: only a new process heals that.
   */
  beat(): void {
    void this.#expect();
    if (this.#lanes.every((lane) => lane.lastingMs() < STUCK_MS)) void this.#notify.watchdog();
    else this.#log.error({ event: 'stuck', message: 'Something hangs, most likely the PKCS#11 module.' });
  }

  /** The line of `systemctl status`. Told on change only: before systemd 253, each message starts a process. */
  tell(line: string): void {
    if (line !== this.#line) void this.#notify.status(line);
    this.#line = line;
  }
}
