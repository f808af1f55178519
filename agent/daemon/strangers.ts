import type { Failure } from '../failure/failure.ts';
import { failureFields } from '../machine/failure-fields.ts';
import type { Log } from '../machine/log.ts';
import { knownIds } from '../roll/look.ts';
import type { RollState } from '../roll/state.ts';
import type { Clock } from '../time/clock.ts';
import type { DaemonOptions } from './options.ts';

/** How often the token is looked at where nothing has changed: a person may have put a key there, or taken it away. */
const AGAIN_MS = 3_600_000;

/**
 * Finds a key in a place of ours that the records do not name, as an older state that was put back leaves behind. It is said
 * at once: the roll that needs the place may be months away.
 */
export class Strangers {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #look: NonNullable<DaemonOptions['stranger']>;
  #state: RollState | undefined;
  #looked = { ids: '', at: Number.NEGATIVE_INFINITY };
  #failure: Failure | undefined;

  constructor({ clock, log, stranger = async () => undefined }: Pick<DaemonOptions, 'clock' | 'log' | 'stranger'>) {
    this.#clock = clock;
    this.#log = log;
    this.#look = stranger;
  }

  get failure(): Failure | undefined {
    return this.#failure;
  }

  /** Looks beside the loop, and only while no work is in flight. */
  follow(state: RollState): void {
    this.#state = state;
    if (state.phase !== 'serving') return;
    const ids = knownIds(state).join();
    const at = this.#clock.monotonic();
    if (ids === this.#looked.ids && at < this.#looked.at + AGAIN_MS) return;
    this.#looked = { ids, at };
    // A key that is made or destroyed meanwhile is known before or after the look.
    void this.#look(() => [...knownIds(state), ...knownIds(this.#state ?? state)]).then(
      (found) => {
        if (found !== undefined && found.message !== this.#failure?.message)
          this.#log.warn({ event: 'key-unknown', ...failureFields(found) });
        this.#failure = found;
      },
      // What is wrong with the token is told where it is used.
      () => {},
    );
  }
}
