import { Turns } from '../../time/turns.ts';
import type { Stored } from '../ports.ts';
import { Memory } from './memory.ts';
import { type MessageHeader, messageOf, records } from './record.ts';
import { isUnwritten } from './recovery.ts';
import { bytesOf, type Files, remove, type Segment } from './segments.ts';
import type { Tail } from './tail.ts';
import { damage, unread } from './words.ts';

/** Where a message is. */
interface Place {
  readonly segment: Segment;
  readonly from: number;
  readonly header: MessageHeader;
}

/**
 * Hands out messages in order. It goes through the segments once, from the oldest message to the newest, and is one message ahead
 * of what was asked for: so the age of the oldest is known. All before its place is dropped, or open; all behind it is on disk.
 */
export abstract class Reader {
  readonly counts = { dropped: 0, damaged: 0 };
  readonly #files: Files;
  readonly #isExpired: (header: MessageHeader) => boolean;
  /** It knows the sequence that the next message gets. */
  protected readonly tail: Tail;
  readonly #turns = new Turns();
  /** Found, and not dropped, in order. */
  readonly #open = new Map<number, Place>();
  /** Those of them that were not taken since `rewind`; dropped ones may still be among them. */
  #free: Place[] = [];
  #openBytes = 0;
  #round = 0;
  #complained: Segment | undefined;
  /** Where the next record is looked for. */
  #segment: Segment | undefined;
  #from = 0;
  /** Of the record there, as far as it is good. */
  #expected: number;
  /** Every message with a lower one is found, or lost. */
  #sequence: number;
  /** From there to the end. */
  #bytes: number;
  readonly #memory = new Memory();

  /** @param head of the first message that is not dropped */
  constructor(files: Files, tail: Tail, head: number, isExpired: (header: MessageHeader) => boolean) {
    this.#files = files;
    this.tail = tail;
    this.#isExpired = isExpired;
    [this.#segment] = files.segments;
    this.#expected = this.#segment?.first ?? 0;
    this.#sequence = Math.max(head, this.#expected);
    this.#bytes = files.segments.reduce((sum, { end }) => sum + end, 0);
  }

  /** A message was dropped. */
  protected abstract moved(): void;

  get count(): number {
    return this.tail.next - this.#sequence + this.#open.size;
  }

  get bytes(): number {
    return this.#bytes + this.#openBytes;
  }

  get oldestAt(): number | undefined {
    const [first] = this.#open.values();
    return first?.header.at;
  }

  /** The first that is not dropped: the next start begins with it. */
  get head(): number {
    const [first] = this.#open.keys();
    return first ?? this.#sequence;
  }

  /** The writer has added a batch. A reader that waits for it need not read it. */
  protected appended(bytes: Buffer): void {
    const segment = this.#files.segments.at(-1);
    const isAwaited = this.#bytes === 0 && segment !== undefined;
    this.#bytes += bytes.length;
    if (!isAwaited) return;
    this.#memory.keep(segment, segment.end - bytes.length, bytes);
    if (this.#free.length === 0) this.#advance();
  }

  /** Looks at the first message, and keeps nothing in memory. */
  async begin(): Promise<void> {
    await this.#turns.take(() => this.#lookAhead());
    this.#memory.rest();
  }

  /** @throws Fault NL-UPLINK-DISK */
  next(): Promise<Stored | undefined> {
    return this.#inTurn(async () => {
      for (;;) {
        const round = this.#round;
        const place = await this.#find(1);
        if (place === undefined) return undefined;
        const { segment, header } = place;
        if (this.#isExpired(header)) {
          this.#lose(place);
          continue;
        }
        const message = messageOf(header, await this.#recordAt(place));
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

  drop({ sequence }: Stored): void {
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
   * @throws Fault NL-UPLINK-DISK
   */
  protected makeRoom(isAny: boolean): Promise<boolean> {
    return this.#inTurn(async () => {
      const place = await this.#find(1);
      if (place === undefined || !(isAny || this.#isExpired(place.header))) return false;
      this.#lose(place);
      return true;
    });
  }

  async close(): Promise<void> {
    await this.#turns.take(async () => this.#memory.rest());
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#turns.take(work).catch((error) => {
      throw unread(this.#files.directory, error);
    });
  }

  /** An error is for the call that needs the message there. */
  async #lookAhead(): Promise<void> {
    await this.#find(2).catch(() => {});
  }

  /** Looks for so many that are not taken. @returns the first of them @throws the error of the system */
  async #find(count: number): Promise<Place | undefined> {
    for (;;) {
      this.#free = this.#free.filter(({ header }) => this.#open.has(header.sequence));
      if (this.#free.length >= count) return this.#free[0];
      const met = this.#advance();
      if (met === 'end') return this.#free[0];
      if (typeof met === 'object') await this.#load(met);
    }
  }

  /** Goes on to the next message, as far as its bytes are in memory. @returns the segment that must be read for it */
  #advance(): 'message' | 'end' | Segment {
    for (;;) {
      const segment = this.#segment;
      if (segment === undefined || this.#from >= segment.end) {
        if (this.#goOn(segment)) continue;
        this.#memory.rest();
        return 'end';
      }
      const bytes = this.#memory.at(segment, this.#from);
      if (bytes === undefined) return segment;
      if (this.#search(segment, bytes)) return 'message';
    }
  }

  /** Goes to the next message in these bytes, or to their end. @returns whether there is one */
  #search(segment: Segment, bytes: Buffer): boolean {
    const base = this.#from;
    // What a segment holds from this sequence on is void: the writer has left it for the next segment, after a failure.
    const limit = this.#following(segment)?.first ?? this.tail.next;
    for (const found of records(bytes, 0, this.#expected, limit)) {
      const { header } = found;
      const isGap = header.sequence > this.#sequence && !segment.isClosed;
      if (isGap && isUnwritten(bytes, this.#from - base, base, this.#sequence, found)) this.#sequence = header.sequence;
      this.#reach(header.sequence, segment);
      const isNew = header.sequence === this.#sequence;
      const from = base + found.from;
      this.#move(from + header.length);
      this.#expected = header.next;
      this.#sequence = Math.max(this.#sequence, header.next);
      if (header.of === 'message' && isNew) {
        const place = { segment, from, header };
        this.#open.set(header.sequence, place);
        this.#free.push(place);
        this.#openBytes += header.length;
        segment.open += 1;
        return true;
      }
    }
    this.#move(base + bytes.length);
    return false;
  }

  async #load(segment: Segment): Promise<void> {
    const bytes = await bytesOf(this.#files.disk, segment, this.#from);
    // A file that has become shorter ends before it should.
    if (bytes.length === 0) this.#move(segment.end);
    else this.#memory.keep(segment, this.#from, bytes);
  }

  /** The bytes of a record, which may be far behind. @throws the error of the system */
  async #recordAt({ segment, from, header: { length } }: Place): Promise<Buffer> {
    const bytes = this.#memory.at(segment, from);
    return bytes?.subarray(0, length) ?? bytesOf(this.#files.disk, segment, from, from + length);
  }

  #following(segment: Segment | undefined): Segment | undefined {
    const { segments } = this.#files;
    return segments[segment === undefined ? 0 : segments.indexOf(segment) + 1];
  }

  #move(to: number): void {
    this.#bytes -= to - this.#from;
    this.#from = to;
  }

  /** @returns whether there is more */
  #goOn(segment: Segment | undefined): boolean {
    const following = this.#following(segment);
    this.#reach(following?.first ?? this.tail.next, segment);
    if (following === undefined) return false;
    [this.#segment, this.#from, this.#expected] = [following, 0, following.first];
    if (segment !== undefined) this.#clear(segment);
    return true;
  }

  /** Messages before this one that were not found are lost. */
  #reach(sequence: number, segment: Segment | undefined): void {
    const count = sequence - this.#sequence;
    if (count <= 0) return;
    this.#sequence = sequence;
    this.#damaged(segment, count);
  }

  #lose(place: Place): void {
    this.counts.dropped += 1;
    this.#forget(place);
  }

  #forget({ segment, header }: Place): void {
    this.#open.delete(header.sequence);
    this.#openBytes -= header.length;
    segment.open -= 1;
    if (segment !== this.#segment) this.#clear(segment);
    if (this.#open.size === 0) void this.#turns.take(() => this.#lookAhead());
    this.moved();
  }

  /** Removes a segment of which all is dropped. In turn: it may be read just now. */
  #clear(segment: Segment): void {
    const { segments } = this.#files;
    if (segment.open > 0) return;
    void this.#turns.take(async () => {
      segments.splice(segments.indexOf(segment), 1);
      await remove(this.#files, segment);
    });
  }

  #damaged(segment: Segment | undefined, count: number): void {
    this.counts.damaged += count;
    if (this.#complained === undefined || this.#complained !== segment)
      this.#files.warn(damage(segment?.path ?? this.#files.directory));
    this.#complained = segment;
  }
}
