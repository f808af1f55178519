import type { Failure } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import { failureFields } from '../machine/failure-fields.ts';
import { rungMs } from '../roll/backoff.ts';
import { differs, type Entry, entryOf, isIntended } from '../roll/core/entry.ts';
import { blank, type Memory } from '../roll/core/memory.ts';
import type { RollEffect } from '../roll/state.ts';
import type { DaemonOptions } from './options.ts';

/** A failed write is tried again after this time, then after twice as long each time, in milliseconds. */
export const WRITE_AGAIN = { firstMs: 5_000, capMs: 10 * 60_000 };
/** A disk that is lost must not be found out only when there is something to write, perhaps in a year. */
const PROOF_MS = 24 * 3_600_000;
/** A file that a person has deleted would be missed at the next start only. */
const LOOK_MS = 60_000;

type Options = Pick<DaemonOptions, 'assertWritable' | 'clock' | 'journal' | 'log'>;

interface Owed {
  readonly failure: Failure;
  readonly tries: number;
  /** On the monotonic clock. */
  readonly dueAt: number;
}

/**
 * The state on the disk. Where the disk accepts no writes, the state goes on in memory, so that an answer is kept and not
 * requested again (another registration, another leaf); but an effect waits for the disk, unless the content of the disk makes
 * it safe (`isIntended`).
 */
export class Persistence {
  readonly #options: Options;
  /** Undefined where no state has been written yet. */
  #disk: Entry | undefined;
  /** The disk accepts no writes. */
  #owed: Owed | undefined;
  /** On the monotonic clock. */
  #provenAt = 0;
  #lookedAt = 0;
  /** A look has found that the disk would accept no write. */
  #seen: Failure | undefined;

  constructor(options: Options) {
    this.#options = options;
  }

  /** @throws Fault, as `Journal.read` */
  async read(): Promise<Entry | 'absent'> {
    const { clock, journal } = this.#options;
    const entry = await journal.read();
    this.#provenAt = clock.monotonic();
    if (entry === 'absent') return entry;
    this.#disk = entry;
    await this.#look();
    return entry;
  }

  /** Why the disk accepts no writes, as a write or a look has found. */
  get failure(): Failure | undefined {
    return this.#owed?.failure ?? this.#seen;
  }

  /** The last write has failed. */
  get isBehind(): boolean {
    return this.#owed !== undefined;
  }

  /** When to try again, in milliseconds. An overdue write is tried with the next event, and has been asked for already. */
  get dueInMs(): number {
    const { dueAt = 0 } = this.#owed ?? {};
    const ms = dueAt - this.#options.clock.monotonic();
    return ms > 0 ? ms : Number.POSITIVE_INFINITY;
  }

  allows(effect: RollEffect): boolean {
    return isIntended(effect, this.#disk);
  }

  /** Writes the state, if the disk lacks a fact that must outlive a power cut; after a failure by a ladder, until it succeeds. */
  async follow(state: Memory): Promise<void> {
    const owed = this.#owed;
    const now = this.#options.clock.monotonic();
    const isStale = this.#disk !== undefined && now >= this.#provenAt + PROOF_MS;
    const isLook = this.#disk !== undefined && now >= this.#lookedAt + LOOK_MS;
    if (isLook) this.#lookedAt = now;
    const isDue = owed === undefined ? this.#lacks(state) || isStale || (isLook && this.#isGone()) : now >= owed.dueAt;
    const failure = isDue ? await this.#write(state) : undefined;
    if (failure !== undefined && failure.message !== (owed?.failure ?? this.#seen)?.message) this.#tell(failure);
    if (isLook) await this.#look();
  }

  /** Writes a state whose asker waits, at once. A failure, which is told each time, undoes it. */
  async accept(state: Memory): Promise<Failure | undefined> {
    if (!this.#lacks(state)) return undefined;
    const failure = await this.#write(state);
    if (failure !== undefined) this.#tell(failure);
    return failure;
  }

  #isGone(): boolean {
    const { journal, log } = this.#options;
    const isGone = journal.isThere?.() === false;
    if (isGone) log.warn({ event: 'state-gone', message: 'The state file was deleted, and is written again.' });
    return isGone;
  }

  /** Not a write: a daemon that is started every half minute, or looks each minute, must not wear out the flash. */
  async #look(): Promise<void> {
    const before = this.failure;
    this.#seen = await this.#options.assertWritable?.().then(() => undefined, failureOf);
    if (this.#seen !== undefined && this.#seen.message !== before?.message) this.#tell(this.#seen);
    if (before !== undefined && this.failure === undefined) this.#tellAgain();
  }

  #lacks(state: Memory): boolean {
    return differs(entryOf(state), this.#disk ?? entryOf(blank));
  }

  async #write(state: Memory): Promise<Failure | undefined> {
    const { clock, journal } = this.#options;
    const entry = entryOf(state);
    try {
      await journal.write(entry);
      this.#disk = entry;
      const wasBehind = this.isBehind;
      this.#owed = undefined;
      if (wasBehind && this.#seen === undefined) this.#tellAgain();
      this.#provenAt = clock.monotonic();
      return undefined;
    } catch (error) {
      return this.#owe(error);
    }
  }

  #owe(error: unknown): Failure {
    const failure = failureOf(error);
    const tries = (this.#owed?.tries ?? 0) + 1;
    this.#owed = { failure, tries, dueAt: this.#options.clock.monotonic() + rungMs(WRITE_AGAIN, tries) };
    return failure;
  }

  #tell(failure: Failure): void {
    this.#options.log.error({ event: 'state-unwritten', ...failureFields(failure) });
  }

  #tellAgain(): void {
    this.#options.log.info({ event: 'state-written', message: 'The state can be written again.' });
  }
}
