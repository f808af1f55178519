import type { Lane } from './lane.ts';
import type { Log } from './log.ts';
import type { Notify } from './notify.ts';

/** Every effect ends within ten minutes by a deadline of its own, but for a module that hangs on a thread of the pool. */
const STUCK_MS = 15 * 60_000;

/** What systemd hears of the loop. */
export class Vitals {
  readonly #notify: Notify;
  readonly #log: Log;
  readonly #lanes: readonly Lane[];
  #line = '';

  constructor(notify: Notify, log: Log, lanes: readonly Lane[]) {
    this.#notify = notify;
    this.#log = log;
    this.#lanes = lanes;
  }

  /** The loop must turn this often, in milliseconds: sd_watchdog_enabled(3) recommends half of the limit. */
  get everyMs(): number {
    return (this.#notify.watchdogMs ?? Number.POSITIVE_INFINITY) / 2;
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
