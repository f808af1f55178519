import type { Pages } from './pages.ts';
import { HEADER_BYTES, headerAt, type RecordHeader, records } from './record.ts';
import type { Segment } from './segments.ts';

/** Where a message is. */
export interface RecordPlace {
  readonly segment: Segment;
  readonly from: number;
  readonly header: RecordHeader;
}

export interface CursorOptions {
  readonly pages: Pages;
  /** Shared with the writer: the oldest first. */
  readonly segments: readonly Segment[];
  readonly segment: Segment | undefined;
  readonly from: number;
  /** Of the first message that is not dropped. */
  readonly sequence: number;
  /** The sequence that the next appended message gets. */
  next(): number;
  /** The cursor has left a segment for the following one. */
  left(segment: Segment): void;
  /** Messages that cannot be found. */
  missing(segment: Segment, count: number): void;
}

/** Goes through the segments from the oldest message to the newest, once: it never goes back. */
export class Cursor {
  readonly #options: CursorOptions;
  #segment: Segment | undefined;
  #from: number;
  #sequence: number;
  #bytes: number;
  #at: number | undefined;

  constructor(options: CursorOptions) {
    this.#options = options;
    this.#segment = options.segment;
    this.#from = options.from;
    this.#sequence = options.sequence;
    this.#bytes = options.segments.reduce((sum, { end }) => sum + end, -options.from);
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

  /** The writer has added messages; the first one was stored `at`. */
  appended(bytes: number, at: number): void {
    if (this.#bytes === 0) this.#at = at;
    this.#bytes += bytes;
  }

  /** The message here, beyond what is rotten; undefined at the end. @throws the error of the system */
  async look(): Promise<RecordPlace | undefined> {
    const { pages } = this.#options;
    for (;;) {
      const segment = this.#segment;
      if (segment !== undefined && this.#from < segment.end) {
        const header = headerAt(await pages.read(segment, this.#from, HEADER_BYTES), 0);
        if (header !== undefined && this.#fits(header, segment)) {
          this.#reach(header.sequence, segment);
          this.#at = header.at;
          return { segment, from: this.#from, header };
        }
        await this.#skip(segment);
      } else if (!this.#goOn()) {
        pages.rest();
        this.#at = undefined;
        return undefined;
      }
    }
  }

  /** Takes the message here, and goes on behind it. */
  async step(): Promise<RecordPlace | undefined> {
    const place = await this.look();
    if (place !== undefined) {
      this.#move(place.from + place.header.length);
      this.#sequence = place.header.sequence + 1;
    }
    return place;
  }

  #fits({ sequence, length }: RecordHeader, segment: Segment): boolean {
    return sequence >= this.#sequence && sequence < this.#limit(segment) && this.#from + length <= segment.end;
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
    this.#bytes -= to - this.#from;
    this.#from = to;
  }

  /** Beyond a rotten header, to the next one. */
  async #skip(segment: Segment): Promise<void> {
    const [from, end, limit] = [this.#from + 1, segment.end, this.#limit(segment)];
    const rest = await this.#options.pages.read(segment, from, end - from);
    const found = records(rest, this.#sequence, limit).next().value;
    this.#move(found === undefined ? end : from + found.from);
  }

  /** @returns whether there is more */
  #goOn(): boolean {
    const segment = this.#segment;
    const { segments } = this.#options;
    const following = segment === undefined ? segments[0] : this.#following(segment);
    // The writer may take back the last one while it is empty. Another one without a byte has lost what was in it.
    if (following === undefined || (following.end === 0 && following === segments.at(-1))) {
      if (segment !== undefined) this.#reach(this.#options.next(), segment);
      return false;
    }
    [this.#segment, this.#from] = [following, 0];
    this.#reach(following.first, following);
    if (segment !== undefined) this.#options.left(segment);
    return true;
  }

  #reach(sequence: number, segment: Segment): void {
    const count = sequence - this.#sequence;
    this.#sequence = Math.max(sequence, this.#sequence);
    if (count > 0) this.#options.missing(segment, count);
  }
}
