import type { Disk } from './disk.ts';
import { type FoundRecord, type MessageHeader, records } from './record.ts';
import { isUnwritten } from './recovery.ts';
import { bytesOf, type Segment } from './segments.ts';

/** Where a message is. */
export interface RecordPlace {
  readonly segment: Segment;
  readonly from: number;
  readonly header: MessageHeader;
}

export interface CursorOptions {
  readonly disk: Disk;
  /** Shared with the writer: the oldest first. */
  readonly segments: readonly Segment[];
  /** Of the first message that is not dropped. */
  readonly head: number;
  /** The sequence that the next appended message gets. */
  next(): number;
  /** The cursor has left a segment for the following one. */
  left(segment: Segment): void;
  /** Messages that cannot be found. */
  missing(segment: Segment | undefined, count: number): void;
}

/** A part of a segment in memory, up to what was acknowledged when it was read. */
interface Chunk {
  readonly segment: Segment;
  readonly base: number;
  readonly bytes: Buffer;
}

/** A reader that takes nothing for so long gets its memory back, in milliseconds. */
const IDLE_MS = 2_000;

/** Goes through the segments from the oldest message to the newest, once: it never goes back. */
export class Cursor {
  readonly #options: CursorOptions;
  #segment: Segment | undefined;
  #from = 0;
  /** Of the record here, as far as it is good. */
  #expected: number;
  #sequence: number;
  #bytes: number;
  #at: number | undefined;
  #here: RecordPlace | undefined;
  #chunk: Chunk | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(options: CursorOptions) {
    this.#options = options;
    [this.#segment] = options.segments;
    this.#expected = this.#segment?.first ?? 0;
    this.#sequence = options.head;
    this.#bytes = options.segments.reduce((sum, { end }) => sum + end, 0);
  }

  get segment(): Segment | undefined {
    return this.#segment;
  }

  /** Everything with a lower one is passed. */
  get sequence(): number {
    return this.#sequence;
  }

  /** From here to the end. */
  get bytes(): number {
    return this.#bytes;
  }

  /** When the message here was stored, as far as it was looked at. */
  get at(): number | undefined {
    return this.#at;
  }

  /** The writer has added a batch; its first message was stored `at`. A reader that waits for it need not read it. */
  appended(bytes: Buffer, at: number | undefined): void {
    const segment = this.#options.segments.at(-1);
    if (this.#bytes === 0 && segment !== undefined) {
      this.#at = at;
      this.#keep({ segment, base: segment.end - bytes.length, bytes });
    }
    this.#bytes += bytes.length;
  }

  /** The message here, beyond what is rotten; undefined at the end. @throws the error of the system */
  async look(): Promise<RecordPlace | undefined> {
    while (this.#here === undefined) {
      const segment = this.#segment;
      if (segment !== undefined && this.#from < segment.end) this.#find(await this.#chunkAt(segment));
      else if (!this.#goOn()) {
        this.rest();
        this.#at = undefined;
        return undefined;
      }
    }
    return this.#here;
  }

  /** Takes the message here, and goes on behind it. */
  async step(): Promise<RecordPlace | undefined> {
    const place = await this.look();
    if (place !== undefined) this.#pass(place.header);
    return place;
  }

  /** The bytes of a record, which may be far behind. @throws the error of the system */
  async read({ segment, from, header }: RecordPlace): Promise<Buffer> {
    const to = from + header.length;
    const chunk = this.#chunk;
    if (chunk?.segment !== segment || from < chunk.base || to > chunk.base + chunk.bytes.length)
      return bytesOf(this.#options.disk, segment, from, to);
    return chunk.bytes.subarray(from - chunk.base, to - chunk.base);
  }

  /** Gives the memory back. */
  rest(): void {
    clearTimeout(this.#idle);
    this.#chunk = undefined;
  }

  async #chunkAt(segment: Segment): Promise<Chunk> {
    const chunk = this.#chunk;
    if (chunk?.segment === segment && this.#from >= chunk.base && this.#from < chunk.base + chunk.bytes.length)
      return this.#keep(chunk);
    return this.#keep({ segment, base: this.#from, bytes: await bytesOf(this.#options.disk, segment, this.#from) });
  }

  #keep(chunk: Chunk): Chunk {
    this.#chunk = chunk;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.rest(), IDLE_MS).unref();
    return chunk;
  }

  /** Goes to the next message of this part, or to its end. */
  #find({ segment, base, bytes }: Chunk): void {
    for (;;) {
      const from = this.#from - base;
      const found = records(bytes, from, this.#expected, this.#limit(segment)).next().value;
      if (found === undefined) {
        // A file that has become shorter ends before it should.
        this.#move(bytes.length === 0 ? segment.end : base + bytes.length);
        return;
      }
      const { header } = found;
      const isGap = header.sequence > this.#sequence && !segment.isClosed;
      if (isGap && isUnwritten(bytes, from, base, this.#sequence, found)) this.#sequence = header.sequence;
      this.#reach(header.sequence, segment);
      this.#move(base + found.from);
      if (header.of === 'message' && header.sequence === this.#sequence) {
        this.#at = header.at;
        this.#here = { segment, from: this.#from, header };
        return;
      }
      this.#pass(header);
    }
  }

  #pass({ length, next }: FoundRecord['header']): void {
    this.#move(this.#from + length);
    this.#expected = next;
    this.#sequence = Math.max(this.#sequence, this.#expected);
  }

  #following(segment: Segment): Segment | undefined {
    const { segments } = this.#options;
    return segments[segments.indexOf(segment) + 1];
  }

  /** What a segment holds from this sequence on is void: the writer has left it for the next segment, after a failure. */
  #limit(segment: Segment): number {
    return this.#following(segment)?.first ?? this.#options.next();
  }

  #move(to: number): void {
    this.#here = undefined;
    this.#bytes -= to - this.#from;
    this.#from = to;
  }

  /** @returns whether there is more */
  #goOn(): boolean {
    const segment = this.#segment;
    const { segments } = this.#options;
    const following = segment === undefined ? segments[0] : this.#following(segment);
    if (following === undefined) {
      this.#reach(this.#options.next(), segment);
      return false;
    }
    [this.#segment, this.#from, this.#expected] = [following, 0, following.first];
    this.#reach(following.first, segment);
    if (segment !== undefined) this.#options.left(segment);
    return true;
  }

  #reach(sequence: number, segment: Segment | undefined): void {
    const count = sequence - this.#sequence;
    if (count <= 0) return;
    this.#sequence = sequence;
    this.#options.missing(segment, count);
  }
}
