import type { Lane } from './lane.ts';
import type { Log } from './log.ts';
import type { Notify } from './notify.ts';

/** Every effect ends within ten minutes by a deadline of its own, but for a module that hangs on a thread of the pool. */
const STUCK_MS = 15 * 60_000;

/**
 * The engine of OpenSSL signs on the main thread, and with p11-kit-client 0.25.5 it never returns where the server dies
 * under it. Real handshakes are through in a second or two, also with a slow TPM.
 */
const HANDSHAKE_MS = 30_000;

/** What systemd hears of the loop. */
export class Vitals {
  readonly #notify: Notify;
  readonly #log: Log;
  readonly #lanes: readonly Lane[];
  #line = '';
  #guarded = 0;

  constructor(notify: Notify, log: Log, lanes: readonly Lane[]) {
    this.#notify = notify;
    this.#log = log;
    this.#lanes = lanes;
  }

  /** The loop must turn this often, in milliseconds: sd_watchdog_enabled(3) recommends half of the limit. */
  get everyMs(): number {
    const { watchdogMs = Number.POSITIVE_INFINITY } = this.#notify;
    return (this.#guarded > 0 ? Math.min(HANDSHAKE_MS, watchdogMs) : watchdogMs) / 2;
  }

  /** Work in which the token may hang the whole process: while it lasts, the loop must turn more often. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    const { watchdogMs } = this.#notify;
    if (watchdogMs === undefined || watchdogMs <= HANDSHAKE_MS) return work();
    this.#guarded += 1;
    if (this.#guarded === 1) await this.#notify.expect(HANDSHAKE_MS);
    try {
      return await work();
    } finally {
      this.#guarded -= 1;
      if (this.#guarded === 0) void this.#notify.expect(watchdogMs);
    }
  }

  /**
   * To be called when the loop has worked on something, and from nowhere else: a timer would go on beside a loop that
   * waits for ever. Nor is the watchdog fed for a loop whose work hangs: only a new process heals that.
   */
  beat(): void {
    if (this.#lanes.every((lane) => lane.lastingMs() < STUCK_MS)) void this.#notify.watchdog();
    else this.#log.error({ event: 'stuck', message: 'Something hangs, most likely the PKCS#11 module.' });
  }

  /** The line of `systemctl status`. Told on change only, as each message is a process. */
  tell(line: string): void {
    if (line !== this.#line) void this.#notify.status(line);
    this.#line = line;
  }
}
