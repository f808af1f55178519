import { Turns } from '../../time/turns.ts';
import type { QueueCounts, Stored } from '../ports.ts';
import { Cursor, type CursorOptions, type RecordPlace } from './cursor.ts';
import { type MessageHeader, messageOf } from './record.ts';
import { discard, type Segment } from './segments.ts';

interface ReaderOptions extends Omit<CursorOptions, 'segments' | 'left' | 'missing'> {
  readonly segments: Segment[];
  isExpired(header: MessageHeader): boolean;
  /** A message was dropped. */
  onDrop(): void;
  /** Once for each segment; undefined where the segment is not there any more. */
  onDamage(segment: Segment | undefined): void;
  onUnremoved(segment: Segment, error: unknown): void;
}

/**
 * Hands out messages in order. It knows of those that are taken and not dropped, and of nothing else: all before the cursor is
 * dropped, and all behind it is on disk.
 */
export class Reader {
  readonly #options: ReaderOptions;
  readonly #cursor: Cursor;
  readonly #turns = new Turns();
  /** Passed by the cursor and not dropped, in order. */
  readonly #open = new Map<number, RecordPlace>();
  /** Those of them that the reader has not taken since `rewind`; dropped ones may still be among them. */
  #free: RecordPlace[] = [];
  #round = 0;
  #openBytes = 0;
  #counts = { dropped: 0, damaged: 0 };
  #complained: Segment | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
    const left = (segment: Segment) => this.#clear(segment);
    const missing = (segment: Segment | undefined, count: number) => this.#damaged(segment, count);
    this.#cursor = new Cursor({ ...options, left, missing });
  }

  get count(): number {
    return this.#options.next() - this.#cursor.sequence + this.#open.size;
  }

  get bytes(): number {
    return this.#cursor.bytes + this.#openBytes;
  }

  get oldestAt(): number | undefined {
    const [first] = this.#open.values();
    return first?.header.at ?? this.#cursor.at;
  }

  /** The first that is not dropped: the next start begins with it. */
  get head(): number {
    const [first] = this.#open.keys();
    return first ?? this.#cursor.sequence;
  }

  get counts(): QueueCounts {
    return { ...this.#counts };
  }

  /** @param at undefined for a note, which no call will take */
  appended(bytes: Buffer, at?: number): void {
    this.#cursor.appended(bytes, at);
    if (at === undefined) void this.#turns.take(() => this.#lookAhead());
  }

  /** Looks at the first message, so that its age is known, and keeps nothing in memory. */
  async begin(): Promise<void> {
    await this.#turns.take(() => this.#lookAhead());
    this.#cursor.rest();
  }

  /** @throws the error of the system */
  next(): Promise<Stored | undefined> {
    return this.#turns.take(async () => {
      for (;;) {
        const round = this.#round;
        const place = await this.#first();
        if (place === undefined) return undefined;
        const { segment, header } = place;
        if (this.#options.isExpired(header)) {
          this.#lose(place);
          continue;
        }
        const message = messageOf(header, await this.#cursor.read(place));
        await this.#lookAhead();
        // The reader has begun again, or knows that the hub has this one, while it was read.
        if (round !== this.#round || !this.#open.has(header.sequence)) continue;
        if (message !== undefined) {
          this.#free.shift();
          return message;
        }
        this.#forget(place);
        this.#damaged(segment, 1);
      }
    });
  }

  drop(sequence: number): void {
    const place = this.#open.get(sequence);
    if (place !== undefined) this.#forget(place);
  }

  rewind(): void {
    this.#round += 1;
    this.#free = [...this.#open.values()];
  }

  /**
   * Drops the oldest message that the reader has not taken: a taken one may be at the hub already.
   * @param isAny also one that is not too old
   * @returns whether one was dropped
   * @throws the error of the system
   */
  makeRoom(isAny: boolean): Promise<boolean> {
    return this.#turns.take(async () => {
      const place = await this.#first();
      if (place === undefined || !(isAny || this.#options.isExpired(place.header))) return false;
      this.#lose(place);
      await this.#lookAhead();
      return true;
    });
  }

  async close(): Promise<void> {
    await this.#turns.take(async () => this.#cursor.rest());
  }

  /** An error is for the call that needs the message there. */
  async #lookAhead(): Promise<void> {
    await this.#cursor.look().catch(() => {});
  }

  /** The first that is not taken. */
  async #first(): Promise<RecordPlace | undefined> {
    for (;;) {
      const place = this.#free[0];
      if (place !== undefined && this.#open.has(place.header.sequence)) return place;
      if (place !== undefined) this.#free.shift();
      else {
        const found = await this.#cursor.step();
        if (found !== undefined) this.#enter(found);
        else if (this.#free.length === 0) return undefined;
      }
    }
  }

  #enter(place: RecordPlace): void {
    this.#open.set(place.header.sequence, place);
    this.#free.push(place);
    this.#openBytes += place.header.length;
    place.segment.open += 1;
  }

  #lose(place: RecordPlace): void {
    this.#counts.dropped += 1;
    this.#forget(place);
  }

  #forget({ segment, header }: RecordPlace): void {
    this.#open.delete(header.sequence);
    this.#openBytes -= header.length;
    segment.open -= 1;
    if (segment !== this.#cursor.segment) this.#clear(segment);
    this.#options.onDrop();
  }

  /** Removes a segment of which all is dropped. In turn: it may be read just now. */
  #clear(segment: Segment): void {
    const { disk, segments, onUnremoved } = this.#options;
    if (segment.open > 0) return;
    void this.#turns.take(async () => {
      segments.splice(segments.indexOf(segment), 1);
      await discard(disk, segment).catch((error) => onUnremoved(segment, error));
    });
  }

  #damaged(segment: Segment | undefined, count: number): void {
    this.#counts.damaged += count;
    if (this.#complained === undefined || this.#complained !== segment) this.#options.onDamage(segment);
    this.#complained = segment;
  }
}
