import { type Failure, Fault } from '../../failure/failure.ts';
import type { Message, MessageQueue, QueueBounds, QueueCounts, Stored } from '../ports.ts';
import type { Reader } from './reader.ts';
import { encode, encodeNote, recordBytes } from './record.ts';
import type { Tail } from './tail.ts';
import { behind, closed, full, unnoted, unread, unstored } from './words.ts';

interface Bounds extends QueueBounds {
  readonly directory: string;
  readonly whenFull: 'refuse' | 'drop-oldest';
  now(): number;
  warn(failure: Failure): void;
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
 * Joins writer and reader. Messages that come while a sync runs are gathered, and the next sync is for all of them: ten programs
 * that wait for each of their messages share the wait. Each record notes the head; where none comes, a note of its own does.
 */
export class DiskQueue implements MessageQueue {
  readonly #bounds: Bounds;
  readonly #tail: Tail;
  readonly #reader: Reader;
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

  constructor(bounds: Bounds, tail: Tail, reader: Reader, noted: number) {
    this.#bounds = bounds;
    this.#tail = tail;
    this.#reader = reader;
    this.#noted = noted;
  }

  get count(): number {
    return this.#reader.count;
  }

  get bytes(): number {
    return this.#reader.bytes;
  }

  get oldestAt(): number | undefined {
    return this.#reader.oldestAt;
  }

  get head(): number {
    return this.#reader.head;
  }

  get counts(): QueueCounts {
    return this.#reader.counts;
  }

  bound(bounds: QueueBounds): void {
    Object.assign(this.#bounds, bounds);
  }

  async append(message: Message, sender?: object): Promise<void> {
    const { directory, now } = this.#bounds;
    if (this.#closed !== undefined) throw closed(directory);
    const bytes = recordBytes(message);
    const over = new Promise<void>((stored, refused) => {
      this.#waiting.push({ message, sender, bytes, at: now(), stored, refused });
    });
    this.#writing ??= this.#write();
    await over;
  }

  async next(): Promise<Stored | undefined> {
    if (this.#closed !== undefined) return undefined;
    try {
      return await this.#reader.next();
    } catch (error) {
      throw unread(this.#bounds.directory, error);
    }
  }

  drop({ sequence }: Stored): void {
    if (this.#closed === undefined) this.#reader.drop(sequence);
  }

  /** The reader has dropped a message. */
  moved(): void {
    if (this.#closed !== undefined) return;
    this.#timer ??= setTimeout(() => {
      this.#isNoteDue = true;
      this.#writing ??= this.#write();
    }, NOTE_MS).unref();
  }

  rewind(): void {
    this.#reader.rewind();
  }

  onAppend(listener: () => void): void {
    this.#listeners.push(listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#writing;
    await this.#note();
    clearTimeout(this.#timer);
    await this.#tail.close();
    await this.#reader.close();
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
    const most = Math.min(this.#tail.roomFor(this.#waiting[0]?.bytes ?? 0), this.#bounds.maxBytes);
    let bytes = 0;
    for (;;) {
      const one = this.#waiting[0];
      if (one === undefined || (bytes + one.bytes > most && batch.length > 0)) return batch;
      this.#waiting.shift();
      try {
        if (one.sender !== undefined && this.#barred.has(one.sender)) throw behind(this.#bounds.directory);
        if (!(await this.#hasRoom(bytes + one.bytes))) throw this.#full();
        batch.push(one);
        bytes += one.bytes;
      } catch (why) {
        this.#refuse(one, why);
      }
    }
  }

  async #store(batch: readonly Waiting[]): Promise<void> {
    const messages = batch.map(({ message, at }, index) => ({ ...message, sequence: this.#tail.next + index, at }));
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
    if (this.#reader.head === this.#noted) return;
    try {
      await this.#noting((head) => encodeNote(this.#tail.next, head), 0);
      this.#isComplained = false;
    } catch (error) {
      if (!this.#isComplained) this.#bounds.warn(unnoted(this.#why(error)));
      this.#isComplained = true;
    }
  }

  #why(error: unknown): Fault {
    return error instanceof Fault ? error : unstored(this.#bounds.directory, error);
  }

  /** Stores records that know the head of this moment. What is dropped meanwhile begins to wait anew. */
  async #noting(records: (head: number) => Buffer, count: number): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { head } = this.#reader;
    try {
      const bytes = records(head);
      await this.#tail.store(bytes, count, this.#closed !== undefined);
      this.#noted = head;
      this.#reader.appended(bytes);
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
    const { directory, maxBytes, whenFull } = this.#bounds;
    if (bytes > maxBytes) return false;
    while (this.bytes + bytes > maxBytes) {
      const isMade = await this.#reader.makeRoom(whenFull === 'drop-oldest').catch((error) => {
        throw unread(directory, error);
      });
      if (!isMade) return false;
    }
    return true;
  }

  #full(): Fault {
    const { directory, maxBytes } = this.#bounds;
    return full(directory, this.count, this.bytes, maxBytes);
  }
}
