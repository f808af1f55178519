import { type Failure, Fault } from '../../failure/failure.ts';
import type { Message, MessageQueue, QueueBounds, Stored } from '../ports.ts';
import { expiry } from './age.ts';
import type { Disk } from './disk.ts';
import { Reader } from './reader.ts';
import { encode, encodeNote, recordBytes } from './record.ts';
import type { Reserve } from './reserve.ts';
import type { Files } from './segments.ts';
import type { Tail } from './tail.ts';
import { behind, closed, full, unnoted, unstored } from './words.ts';

export interface QueueOptions extends QueueBounds {
  readonly directory: string;
  /** `drop-oldest` never drops a message that the reader has taken: it may be at the hub. Where only such are left, it refuses. */
  readonly whenFull: 'refuse' | 'drop-oldest';
  /** Of the file system. */
  readonly reserve?: Reserve;
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  warn(failure: Failure): void;
  /** For tests, all of these. */
  monotonic?(): number;
  readonly disk?: Disk;
  readonly segmentBytes?: number;
}

/**
 * So long may a drop be known to nothing on the disk, in milliseconds. A program that sends once a second needs no note: its next
 * message comes before.
 */
const NOTE_MS = 1000;

interface Waiting {
  readonly message: Message;
  readonly sender: object | undefined;
  readonly bytes: number;
  readonly at: number;
  stored(): void;
  refused(why: unknown): void;
}

/**
 * Adds the writer to the reader. Messages that come while a sync runs are gathered, and the next sync is for all of them: ten programs
 * that wait for each of their messages share the wait. Each record notes the head; where none comes, a note of its own does.
 */
export class DiskQueue extends Reader implements MessageQueue {
  readonly #options: QueueOptions;
  readonly #listeners: (() => void)[] = [];
  /** Senders of messages that were refused. */
  readonly #barred = new WeakSet<object>();
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #closed: Promise<void> | undefined;
  /** The head that is on disk. */
  #noted: number;
  #timer: NodeJS.Timeout | undefined;
  #isNoteDue = false;
  #isComplained = false;

  constructor(options: QueueOptions, files: Files, tail: Tail, head: number) {
    super(files, tail, head, expiry(options, tail.next));
    this.#options = options;
    this.#noted = head;
  }

  bound(bounds: QueueBounds): void {
    Object.assign(this.#options, bounds);
  }

  async append(message: Message, sender?: object): Promise<void> {
    const { directory, now } = this.#options;
    if (this.#closed !== undefined) throw closed(directory);
    const bytes = recordBytes(message);
    const over = new Promise<void>((stored, refused) => {
      this.#waiting.push({ message, sender, bytes, at: now(), stored, refused });
    });
    this.#writing ??= this.#write();
    await over;
  }

  override async next(): Promise<Stored | undefined> {
    return this.#closed === undefined ? super.next() : undefined;
  }

  override drop(message: Stored): void {
    if (this.#closed === undefined) super.drop(message);
  }

  protected override moved(): void {
    if (this.#closed !== undefined) return;
    this.#timer ??= setTimeout(() => {
      this.#isNoteDue = true;
      this.#writing ??= this.#write();
    }, NOTE_MS).unref();
  }

  onAppend(listener: () => void): void {
    this.#listeners.push(listener);
  }

  override close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#writing;
    await this.#note();
    clearTimeout(this.#timer);
    await this.tail.close();
    await super.close();
  }

  async #write(): Promise<void> {
    // What is appended in the same turn of the loop goes into one batch.
    await undefined;
    while (this.#waiting.length > 0 || this.#isNoteDue) {
      const batch = await this.#gather();
      if (batch.length > 0) await this.#store(batch);
      else if (this.#isNoteDue) await this.#note();
    }
    this.#writing = undefined;
  }

  /** What goes into one segment. The others wait for the next batch. */
  async #gather(): Promise<readonly Waiting[]> {
    const batch: Waiting[] = [];
    const most = Math.min(this.tail.roomFor(this.#waiting[0]?.bytes ?? 0), this.#options.maxBytes);
    let bytes = 0;
    for (;;) {
      const one = this.#waiting[0];
      if (one === undefined || (bytes + one.bytes > most && batch.length > 0)) return batch;
      this.#waiting.shift();
      try {
        if (one.sender !== undefined && this.#barred.has(one.sender)) throw behind(this.#options.directory);
        if (!(await this.#hasRoom(bytes + one.bytes))) throw this.#full();
        batch.push(one);
        bytes += one.bytes;
      } catch (why) {
        this.#refuse(one, why);
      }
    }
  }

  async #store(batch: readonly Waiting[]): Promise<void> {
    const messages = batch.map(({ message, at }, index) => ({ ...message, sequence: this.tail.next + index, at }));
    try {
      await this.#noting((head) => encode(messages, head), batch.length);
    } catch (error) {
      const why = this.#why(error);
      for (const one of batch) this.#refuse(one, why);
      return;
    }
    for (const { stored } of batch) {
      stored();
      for (const listener of this.#listeners) queueMicrotask(listener);
    }
  }

  async #note(): Promise<void> {
    this.#isNoteDue = false;
    if (this.head === this.#noted) return;
    try {
      await this.#noting((head) => encodeNote(this.tail.next, head), 0);
      this.#isComplained = false;
    } catch (error) {
      if (!this.#isComplained) this.#options.warn(unnoted(this.#why(error)));
      this.#isComplained = true;
    }
  }

  #why(error: unknown): Fault {
    return error instanceof Fault ? error : unstored(this.#options.directory, error);
  }

  /** Stores records that know the head of this moment. What is dropped meanwhile begins to wait anew. */
  async #noting(records: (head: number) => Buffer, count: number): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { head } = this;
    try {
      const bytes = records(head);
      await this.tail.store(bytes, count, this.#closed !== undefined);
      this.#noted = head;
      this.appended(bytes);
    } catch (error) {
      this.moved();
      throw error;
    }
  }

  #refuse({ sender, refused }: Waiting, why: unknown): void {
    if (sender !== undefined) this.#barred.add(sender);
    refused(why);
  }

  async #hasRoom(bytes: number): Promise<boolean> {
    const { maxBytes, whenFull } = this.#options;
    if (bytes > maxBytes) return false;
    while (this.bytes + bytes > maxBytes) if (!(await this.makeRoom(whenFull === 'drop-oldest'))) return false;
    return true;
  }

  #full(): Fault {
    const { directory, maxBytes } = this.#options;
    return full(directory, this.count, this.bytes, maxBytes);
  }
}
