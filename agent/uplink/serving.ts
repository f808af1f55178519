import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Failure, Fault } from '../failure/failure.ts';
import { failureOf } from '../failure/failure-of.ts';
import { failureFields } from '../machine/failure-fields.ts';
import { agreementTo, recordOf, TMPFILES } from '../machine/program-directory.ts';
import { writeAtomically } from '../state/durable.ts';
import { namesIn, uplinkDirectory } from '../state/program-name.ts';
import { changedTerms, type OwnTerms } from '../state/program-terms.ts';
import { countsOf, troubledBy, uncounted, uplinkMetrics } from './counters.ts';
import { KeptPatch } from './kept-patch.ts';
import { Listeners } from './listeners.ts';
import type { LazyUplinkOptions } from './options.ts';
import type { QueueBounds } from './ports.ts';
import { Program } from './program.ts';
import { damagedRecord, makeKey, makeProgram, type ProgramRecord, readRecord, removeProgram } from './programs.ts';
import { openQueue } from './queue/open.ts';
import type { QueueOptions } from './queue/queue.ts';
import { Reserve } from './queue/reserve.ts';
import { writeRejected } from './rejected.ts';
import { LONGEST_AWAY_MS, Uplink } from './uplink.ts';

/** As many as a hub holds for a device, with room for large ones: 50 of 64 KiB. */
const INBOX_BYTES = 4 * 1024 * 1024;

const REPORTED = 'reported.json';

/** The programs of this gateway: their directories, sockets and queues, joined to the session. */
export class Serving {
  readonly #options: LazyUplinkOptions;
  /** Of the uplink, in the state directory. */
  readonly #directory: string;
  readonly #reserve: Reserve;
  readonly #reported: KeptPatch;
  readonly #uplink: Uplink;
  readonly #listeners: Listeners;
  /** Programs that could not be opened at the start, and why. */
  readonly #unopened = new Map<string, Failure>();

  private constructor(options: LazyUplinkOptions) {
    const { settings, clock, log, now } = options;
    this.#options = options;
    this.#directory = uplinkDirectory(settings.directory);
    this.#reserve = new Reserve({ directory: settings.directory, monotonic: () => clock.monotonic() });
    this.#reported = new KeptPatch((text) => writeAtomically(join(this.#directory, REPORTED), text, 0o600));
    this.#uplink = new Uplink({
      clock,
      log,
      rate: settings.rate,
      now,
      reported: this.#reported,
      setAside: (program, message, why) =>
        writeRejected(join(this.#directory, program.name, 'rejected'), message, why, this.#reserve),
    });
    this.#listeners = new Listeners({ ...options, directory: this.#directory, rules: this.#uplink });
  }

  /**
   * Opens every program. One whose queue or socket cannot be opened is logged, and does not stop the others.
   * @throws Fault NL-UPLINK-DISK where the programs cannot be listed
   */
  static async open(options: LazyUplinkOptions): Promise<Serving> {
    const serving = new Serving(options);
    const directory = serving.#directory;
    for (const name of await namesIn(directory)) {
      await serving.#reopen(name).catch((error: unknown) => {
        serving.#unopened.set(name, failureOf(error));
        serving.#warn(name, error);
      });
    }
    await serving.#recall();
    options.session.use(serving.#uplink);
    return serving;
  }

  status() {
    const { isThrottled, rate } = this.#uplink.pace;
    const opened = this.#uplink.programs.map((one) => ({ ...countsOf(one), ...troubledBy(one.troubles) }));
    const others = [...this.#unopened].map(([name, met]) => ({ ...uncounted(name), ...troubledBy([met]) }));
    return { programs: [...opened, ...others], rate, isThrottled };
  }

  metrics(): string {
    return uplinkMetrics(this.#uplink.programs);
  }

  /** @returns how it connects @throws Fault NL-UPLINK-*, NL-STATE-WRITE */
  async add(name: string, withKey: boolean, terms: OwnTerms = {}): Promise<object> {
    const record = await makeProgram(this.#directory, name, withKey, terms);
    try {
      const { unreachable } = await this.#open(record);
      if (unreachable !== undefined) throw new Fault(unreachable.code, unreachable);
    } catch (error) {
      await this.#drop(name);
      throw error;
    }
    return this.show(name);
  }

  /** A new key for a program that has one, or whose key is damaged: its messages stay. @throws Fault NL-UPLINK-*, NL-STATE-WRITE */
  async renew(name: string): Promise<object> {
    if (this.#program(name).connects === 'socket') {
      throw new Fault('NL-UPLINK-PROGRAM', { message: `The program ${name} has a socket, and no key.` });
    }
    await makeKey(this.#directory, name);
    await this.#shut(name);
    await this.#reopen(name);
    return this.show(name);
  }

  /** @param changes null takes a term away @throws Fault NL-UPLINK-*, NL-STATE-WRITE */
  async set(name: string, changes: unknown): Promise<object> {
    const program = this.#program(name);
    this.#assertAgreed(name);
    await program.set(changedTerms(program.terms, changes) ?? program.terms);
    program.queue.bound(this.#boundsOf(program));
    return this.show(name);
  }

  /** How the program connects. @throws Fault NL-UPLINK-PROGRAM */
  show(name: string): object {
    const program = this.#program(name);
    const lost = program.troubles.find(({ code }) => code === 'NL-UPLINK-KEY');
    if (lost !== undefined) throw new Fault(lost.code, lost);
    return { ...countsOf(program), ...this.#listeners.address(program) };
  }

  /** Ends its sessions with CleanSession 0 of which the client is away. @throws Fault NL-UPLINK-PROGRAM, NL-STATE-WRITE */
  async forget(name: string): Promise<object> {
    const program = this.#program(name);
    this.#assertAgreed(name);
    return { forgotten: name, ...(await this.#uplink.forget(program)) };
  }

  /** With its messages. @throws Fault NL-UPLINK-PROGRAM */
  async remove(name: string): Promise<object> {
    this.#assertAgreed(name);
    const lost = this.#unopened.has(name) ? 0 : this.#program(name).queue.count;
    await this.#drop(name);
    return { removed: name, lost };
  }

  /** What is acknowledged is on disk. */
  async close(): Promise<void> {
    await this.#listeners.close();
    await this.#uplink.close();
    await Promise.all(this.#uplink.programs.flatMap(({ queue, inbox }) => [queue.close(), inbox.close()]));
  }

  /** @throws Fault NL-UPLINK-PROGRAM where root has made the program, and does not agree now */
  #assertAgreed(name: string): void {
    const { sockets, tmpfiles = TMPFILES } = this.#options.settings;
    const record = recordOf(name, sockets, tmpfiles);
    if (!existsSync(record) || existsSync(agreementTo(record))) return;
    const message = `Root has made the place of ${name} (${record}), so only root changes or removes it.`;
    throw new Fault('NL-UPLINK-PROGRAM', { message, advice: 'Run the same command as root.' });
  }

  #program(name: string): Program {
    const program = this.#uplink.program(name);
    if (program !== undefined) return program;
    const why = this.#unopened.get(name);
    if (why !== undefined) throw new Fault(why.code, why);
    throw new Fault('NL-UPLINK-PROGRAM', { message: `There is no program ${name}.` });
  }

  /** Where it is lost, the programs report anew what they have to say. */
  async #recall(): Promise<void> {
    const path = join(this.#directory, REPORTED);
    const text = await readFile(path, 'utf8').catch((error) => (error.code === 'ENOENT' ? '{}' : ''));
    if (this.#reported.add(Buffer.from(text))) return;
    const message = `${path} is damaged: what programs reported while the hub was away is lost.`;
    this.#options.log.warn({ event: 'uplink-reported', message });
  }

  /** At the start. */
  async #reopen(name: string): Promise<void> {
    const { isDamaged, ...record } = await readRecord(this.#directory, name);
    if (isDamaged) this.#warn(name, damagedRecord(name));
    await this.#open(record);
  }

  /** The queue before the socket: what a program sends must have a place. */
  async #open(record: ProgramRecord): Promise<Program> {
    const { whenFull } = this.#options.settings;
    const directory = join(this.#directory, record.name);
    const queue = await this.#queue(directory, 'queue', { ...this.#boundsOf(record), whenFull });
    const inbox = await this.#queue(directory, 'inbox', {
      maxBytes: INBOX_BYTES,
      maxAgeMs: LONGEST_AWAY_MS,
      whenFull: 'drop-oldest',
    });
    const program = new Program(this.#directory, record, queue, inbox, this.#options.now);
    this.#uplink.add(program);
    await this.#listeners.open(program);
    return program;
  }

  #boundsOf({ terms }: Pick<Program, 'terms'>): QueueBounds {
    const { maxBytes, maxAgeMs } = { ...this.#options.settings, ...terms };
    return { maxBytes, maxAgeMs };
  }

  #queue(directory: string, name: string, bounds: Pick<QueueOptions, 'maxBytes' | 'maxAgeMs' | 'whenFull'>) {
    const { clock } = this.#options;
    const warn = (met: Failure) => this.#options.log.warn({ event: 'uplink-queue', ...failureFields(met) });
    return openQueue({
      ...bounds,
      reserve: this.#reserve,
      directory: join(directory, name),
      now: () => clock.now(),
      warn,
    });
  }

  async #shut(name: string): Promise<void> {
    const program = this.#uplink.program(name);
    if (program !== undefined) program.unreachable = undefined;
    await this.#listeners.end(name);
    this.#uplink.remove(name);
    await Promise.all([program?.queue.close(), program?.inbox.close()]);
  }

  async #drop(name: string): Promise<void> {
    await this.#shut(name);
    this.#unopened.delete(name);
    await removeProgram(this.#directory, name);
  }

  #warn(name: string, error: unknown): void {
    this.#options.log.error({ event: 'uplink-failed', id: name, ...failureFields(failureOf(error)) });
  }
}

/**
 * How many messages wait in the queue of a program, while the daemon does not run. Here, because the bundle has the uplink in a
 * file of its own, which this file opens (scripts/build.ts).
 * @throws Fault NL-UPLINK-DISK
 */
export async function waitingIn(directory: string): Promise<number> {
  const bounds = { maxBytes: Number.POSITIVE_INFINITY, whenFull: 'refuse', now: Date.now, warn: () => {} } as const;
  const queue = await openQueue({ directory, ...bounds });
  try {
    return queue.count;
  } finally {
    await queue.close();
  }
}
