import type { Fault } from '../../failure/failure.ts';
import type { Message, MessageQueue, QueueCounts, Stored } from '../ports.ts';
import type { Head } from './head.ts';
import type { Reader } from './reader.ts';
import { encode, recordBytes } from './record.ts';
import type { Reserve } from './reserve.ts';
import type { Tail } from './tail.ts';
import { behind, closed, full, scarce, unread, unstored } from './words.ts';

export interface Bounds {
  readonly directory: string;
  readonly maxBytes: number;
  readonly whenFull: 'refuse' | 'drop-oldest';
  readonly reserve?: Reserve;
  now(): number;
}

interface Waiting {
  readonly message: Message;
  readonly sender: object | undefined;
  readonly bytes: number;
  readonly at: number;
  stored(): void;
  refused(why: unknown): void;
}

/**
 * Joins writer, reader and head. Messages that come while a sync runs are gathered, and the next sync is for all of them:
 * ten programs that wait for each of their messages share the wait.
 */
export class DiskQueue implements MessageQueue {
  readonly #bounds: Bounds;
  readonly #tail: Tail;
  readonly #reader: Reader;
  readonly #head: Head;
  readonly #listeners: (() => void)[] = [];
  /** Senders of messages that were refused. */
  readonly #barred = new WeakSet<object>();
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(bounds: Bounds, tail: Tail, reader: Reader, head: Head) {
    this.#bounds = bounds;
    this.#tail = tail;
    this.#reader = reader;
    this.#head = head;
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

  get counts(): QueueCounts {
    return this.#reader.counts;
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
    await this.#tail.close();
    await this.#reader.close();
    await this.#head.close();
  }

  async #write(): Promise<void> {
    // What is appended in the same turn of the loop goes into one batch.
    await undefined;
    while (this.#waiting.length > 0) {
      const batch = await this.#gather();
      if (batch.length > 0) await this.#store(batch);
    }
    this.#writing = undefined;
  }

  /** What goes into the segment that is written. The others wait for the next batch. */
  async #gather(): Promise<readonly Waiting[]> {
    const batch: Waiting[] = [];
    let bytes = 0;
    for (;;) {
      const one = this.#waiting[0];
      const isEnough = bytes >= this.#tail.room || bytes + (one?.bytes ?? 0) > this.#bounds.maxBytes;
      if (one === undefined || (isEnough && batch.length > 0)) return batch;
      this.#waiting.shift();
      try {
        if (one.sender !== undefined && this.#barred.has(one.sender)) throw behind(this.#bounds.directory);
        if (!(await this.#hasRoom(bytes + one.bytes))) throw this.#full();
        if ((await this.#bounds.reserve?.take(one.bytes)) === false) throw scarce(this.#bounds.directory);
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
      const bytes = encode(messages);
      await this.#tail.store(bytes, batch.length);
      this.#reader.appended(bytes.length, messages[0]?.at ?? 0);
    } catch (error) {
      const why = unstored(this.#bounds.directory, error);
      for (const one of batch) this.#refuse(one, why);
      return;
    }
    for (const { stored } of batch) {
      stored();
      for (const listener of this.#listeners) queueMicrotask(listener);
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
