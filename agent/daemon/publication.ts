import type { Failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import { failureFields } from '../machine/failure-fields.ts';
import { rungMs } from '../roll/backoff.ts';
import type { RollState } from '../roll/state.ts';
import type { DaemonOptions } from './options.ts';
import { WRITE_AGAIN } from './persistence.ts';

/** How often the files are looked at where nothing has changed: a person may have deleted one. */
const LOOK_MS = 3_600_000;

type Options = Pick<DaemonOptions, 'clock' | 'log' | 'publish'>;

/** The files that are derived from the state, for others to read. A full disk must neither stop the loop nor fill the log. */
export class Publication {
  readonly #options: Options;
  /** The state whose files have been written. */
  #written: RollState | undefined;
  /** On the monotonic clock. */
  #writtenAt = 0;
  #failed:
    | { readonly state: RollState; readonly failure: Failure; readonly tries: number; readonly at: number }
    | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Why the files are behind, while they are. */
  get failure(): Failure | undefined {
    return this.#failed?.failure;
  }

  /** Writes the files where they differ from the state. Never throws; a failure is told once. */
  async follow(state: RollState): Promise<void> {
    const { clock, log, publish } = this.#options;
    const now = clock.monotonic();
    if (isSame(state, this.#written) && now < this.#writtenAt + LOOK_MS && !isAwaited(state)) return;
    const failed = isSame(state, this.#failed?.state) ? this.#failed : undefined;
    // As the state itself: a disk that was full for a moment does not leave an old leaf.pem for long, and flash is spared.
    if (failed !== undefined && now < failed.at + rungMs(WRITE_AGAIN, failed.tries)) return;
    try {
      await publish(state, this.#written);
      if (this.#failed !== undefined)
        log.info({ event: 'files-written', message: 'The files could be written again.' });
      this.#written = state;
      this.#writtenAt = now;
      this.#failed = undefined;
    } catch (error) {
      const failure = failureOf(error);
      if (failure.message !== failed?.failure.message)
        log.error({ event: 'files-unwritten', ...failureFields(failure) });
      this.#failed = { state, failure, tries: (failed?.tries ?? 0) + 1, at: now };
    }
  }
}

/** A candidate is parked: an operator may enroll at any moment what lies there, and DPS is asked seldom. */
const isAwaited = ({ phase, next }: RollState): boolean => phase === 'serving' && next?.leaf !== undefined;

const isSame = (state: RollState, other: RollState | undefined): boolean =>
  other !== undefined && state.current === other.current && state.next?.leaf === other.next?.leaf;
