import { mkdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Answerer } from '../ask/ask.ts';
import { type Failure, failure } from '../failure/failure.ts';
import { foreign } from '../failure/foreign.ts';
import { failureFields } from '../machine/failure-fields.ts';
import type { Log } from '../machine/log.ts';
import { setMode } from '../machine/make-path.ts';
import type { Clock } from '../time/clock.ts';
import { type Delivery, deliveriesIn, isUntouched, LONG_MS } from './file.ts';
import { reject } from './reject.ts';
import { type Accepted, verdictOn } from './verdict.ts';

/** A delivery is complete when it has not been written to for so long, in milliseconds. */
export const STILL_MS = 2_000;
/** A file that cannot be read may be half of a stalled upload: it gets so long, in milliseconds. */
const STALL_MS = 10_000;
/** A delivery that must wait is tried again at least this often, in milliseconds. */
export const LOOK_MS = 60_000;

/** Technicians of the group read there why a file was refused. */
const REJECTED_MODE = 0o750;

export interface TrayOptions {
  /** The state directory: `inbox/` and `rejected/` are in it. */
  readonly directory: string;
  readonly answer: Answerer;
  readonly clock: Clock;
  readonly log: Log;
}

interface Seen {
  readonly mark: string;
  /** When it was first seen like this, on the monotonic clock. */
  readonly since: number;
  /** The reason for waiting that was logged last. */
  waits?: Failure;
  /** It has been accepted, and cannot be removed. */
  isTaken?: boolean;
}

export class Tray {
  readonly path: string;
  readonly #rejected: string;
  readonly #options: TrayOptions;
  readonly #closing: AbortSignal;
  readonly #seen = new Map<string, Seen>();
  /** The fault of the directory that was logged last. */
  #trouble: Failure | undefined;

  /** @param closing begins nothing after it, and waits for no answer: a daemon that has ended gives none */
  constructor(options: TrayOptions, closing: AbortSignal) {
    this.path = join(options.directory, 'inbox');
    this.#rejected = join(options.directory, 'rejected');
    this.#options = options;
    this.#closing = closing;
  }

  /** Why a file lies there for long; the others are counted. */
  get waiting(): Failure | undefined {
    const now = this.#options.clock.monotonic();
    const long = [...this.#seen.values()].flatMap(({ since, waits }) =>
      waits !== undefined && now - since >= LONG_MS ? [waits] : [],
    );
    const [first, ...others] = long;
    if (first === undefined || others.length === 0) return this.#trouble ?? first;
    return { ...first, message: `${first.message} ${others.length} more wait there.` };
  }

  /** Makes the missing ones of both directories. Never throws. @returns whether both exist */
  async prepare(): Promise<boolean> {
    try {
      // Technicians of the group put files there.
      await makeMissing(this.path, 0o770);
      await makeMissing(this.#rejected, REJECTED_MODE);
      return true;
    } catch (cause) {
      this.#complain(cause);
      return false;
    }
  }

  /**
   * Takes the complete deliveries one by one, oldest first. Never throws.
   * @returns when to look again, in milliseconds: never (infinity) for an empty inbox; undefined where it cannot be read
   */
  async look(): Promise<number | undefined> {
    let pause = Number.POSITIVE_INFINITY;
    try {
      const found = await deliveriesIn(this.path);
      for (const name of this.#seen.keys()) if (found.every((one) => one.name !== name)) this.#seen.delete(name);
      for (const delivery of found) {
        if (this.#closing.aborted) break;
        pause = Math.min(pause, await this.#take(delivery));
      }
      this.#trouble = undefined;
      return pause;
    } catch (cause) {
      this.#complain(cause);
      return undefined;
    }
  }

  /** @returns when to look at it again, in milliseconds */
  async #take(delivery: Delivery): Promise<number> {
    const seen = this.#know(delivery);
    const age = this.#options.clock.monotonic() - seen.since;
    const { patienceMs = STILL_MS } = delivery;
    if (age < patienceMs) return patienceMs - age;
    if (seen.isTaken) return LOOK_MS;
    const verdict = await unless(this.#closing, verdictOn(delivery, this.#options.answer));
    if (verdict === undefined) return LOOK_MS;
    if (verdict.is === 'accepted') await this.#accept(delivery, seen, verdict);
    // It was replaced meanwhile: the new file has not been judged.
    else if (!(await isUntouched(delivery))) return STILL_MS;
    else if (verdict.is === 'waiting') return this.#wait(delivery, seen, verdict.failure);
    else if (verdict.failure.code === 'NL-LEAF-PARSE' && age < STALL_MS) return STALL_MS - age;
    else await this.#reject(delivery, seen, verdict.failure);
    return LOOK_MS;
  }

  #know({ name, mark }: Delivery): Seen {
    const known = this.#seen.get(name);
    if (known?.mark === mark) return known;
    const seen = { mark, since: this.#options.clock.monotonic() };
    this.#seen.set(name, seen);
    return seen;
  }

  async #accept(delivery: Delivery, seen: Seen, { id, thumbprint, message = '' }: Accepted): Promise<void> {
    const { log } = this.#options;
    const { name, path } = delivery;
    log.info({ event: 'inbox-accepted', message: `${name} is accepted. ${message}`.trim(), id, thumbprint, path });
    if (!(await isUntouched(delivery))) return;
    try {
      await unlink(path);
    } catch (cause) {
      // It must not be installed again and again.
      seen.isTaken = true;
      const message = `${path} has been accepted, and cannot be removed.`;
      const met = failure('NL-STATE-WRITE', { message, advice: 'Remove it by hand.', cause });
      seen.waits = met;
      log.warn({ event: 'inbox-waits', path, ...failureFields(met) });
    }
  }

  async #reject(delivery: Delivery, seen: Seen, met: Failure): Promise<void> {
    try {
      await makeMissing(this.#rejected, REJECTED_MODE);
      const path = await reject(delivery, this.#rejected, met);
      this.#options.log.warn({ event: 'inbox-rejected', path, ...failureFields(met) });
    } catch (cause) {
      const message = `${delivery.path} is refused (${met.code}), and cannot be moved to ${this.#rejected}.`;
      this.#wait(delivery, seen, failure('NL-STATE-WRITE', { message, cause }));
    }
  }

  /** @returns when to try again, in milliseconds: a leaf that is not valid yet is tried at the moment when it becomes valid */
  #wait({ path, left }: Delivery, seen: Seen, met: Failure): number {
    if (seen.waits?.code !== met.code) this.#options.log.info({ event: 'inbox-waits', path, ...failureFields(met) });
    seen.waits = left ?? { ...met, message: foreign(`${path} waits in the inbox. ${met.message}`) };
    return Math.min(LOOK_MS, Math.max(STILL_MS, met.retryAfterMs ?? LOOK_MS));
  }

  #complain(cause: unknown): void {
    const met = failure('NL-STATE-WRITE', { message: `${this.path} cannot be used.`, cause });
    const before = this.#trouble;
    this.#trouble = met;
    if (before?.cause === met.cause) return;
    this.#options.log.warn({ event: 'inbox-waits', path: this.path, ...failureFields(met) });
  }
}

/**
 * The result of the work, or undefined once it is no longer awaited. No Promise.race: one that never ends keeps every promise
 * that was raced with it.
 */
function unless<T>(closing: AbortSignal, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const close = () => resolve(undefined);
    if (closing.aborted) close();
    closing.addEventListener('abort', close, { once: true });
    void work.then(resolve, reject).finally(() => closing.removeEventListener('abort', close));
  });
}

/** An existing directory keeps its mode: the operator may have chosen it. */
async function makeMissing(path: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    await mkdir(path, { mode });
    await setMode(path, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
