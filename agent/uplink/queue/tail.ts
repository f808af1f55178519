import { type Disk, type DiskFile, writeWhole } from './disk.ts';
import { newSegment, type Segment } from './segments.ts';

interface TailOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** Shared with the reader; the last one is written. */
  readonly segments: Segment[];
  readonly segmentBytes: number;
  /** The sequence of the next message. */
  readonly next: number;
  /** Whether messages may be added to the last segment. */
  readonly isWhole: boolean;
}

/** A sync that failed, in contrast to a write. */
class Unsynced extends Error {}

/** Writes batches of records behind the last one, durably. Calls of `store` must not overlap. */
export class Tail {
  readonly #options: TailOptions;
  #next: number;
  #segment: Segment | undefined;
  #file: DiskFile | undefined;
  /** The directory has been synced since the segment was made, or since the start: the crash may have come before. */
  #isListed = false;

  constructor(options: TailOptions) {
    this.#options = options;
    this.#next = options.next;
    this.#segment = options.isWhole ? options.segments.at(-1) : undefined;
  }

  get next(): number {
    return this.#next;
  }

  /** Bytes until a new segment begins. */
  get room(): number {
    return this.#isFull ? this.#options.segmentBytes : this.#options.segmentBytes - (this.#segment?.end ?? 0);
  }

  get #isFull(): boolean {
    return this.#segment !== undefined && this.#segment.end >= this.#options.segmentBytes;
  }

  /**
   * Fulfilled when the records are synced. After a sync that failed, they are written again into a new segment: Linux marks
   * the pages clean all the same, and a second fdatasync of that file would succeed without having written them.
   * @throws the error of the system; none of the records is in the queue then
   */
  async store(records: Uint8Array, count: number): Promise<void> {
    const segment = await this.#attempt(records)
      .catch((error) => {
        if (error instanceof Unsynced) return this.#attempt(records);
        throw error;
      })
      .catch((error) => {
        throw error instanceof Unsynced ? error.cause : error;
      });
    segment.end += records.length;
    this.#next += count;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    // All that was acknowledged is synced.
    await file?.close().catch(() => {});
  }

  async #attempt(records: Uint8Array): Promise<Segment> {
    const { file, segment } = await this.#writable();
    try {
      await writeWhole(file, records, segment.end);
    } catch (error) {
      await this.#takeBack(file, segment);
      throw error;
    }
    try {
      await file.datasync();
      if (!this.#isListed) await this.#options.disk.syncDirectory(this.#options.directory);
    } catch (error) {
      await this.#leave(file, segment);
      throw new Unsynced('a sync failed', { cause: error });
    }
    this.#isListed = true;
    return segment;
  }

  async #writable(): Promise<{ file: DiskFile; segment: Segment }> {
    if (this.#segment === undefined || this.#isFull) return this.#begin();
    this.#file ??= await this.#options.disk.open(this.#segment.path, 'r+');
    return { file: this.#file, segment: this.#segment };
  }

  async #begin(): Promise<{ file: DiskFile; segment: Segment }> {
    await this.close();
    const { disk, directory, segments } = this.#options;
    const segment = newSegment(directory, this.#next);
    const file = await disk.open(segment.path, 'wx').catch(async (error) => {
      if (error.code !== 'EEXIST') throw error;
      // Left by a batch that was refused, because it could not be removed then: nothing acknowledged has this sequence.
      await disk.remove(segment.path);
      return disk.open(segment.path, 'wx');
    });
    segments.push(segment);
    [this.#segment, this.#file, this.#isListed] = [segment, file, false];
    return { file, segment };
  }

  /** After a write that failed: part of the batch may be in the file. Synced, as it must not come back after a power cut. */
  async #takeBack(file: DiskFile, segment: Segment): Promise<void> {
    try {
      await file.truncate(segment.end);
      await file.sync();
    } catch {
      await this.#leave(file, segment);
    }
  }

  /**
   * Nothing is added to this segment any more. The next one is named after the first message of the batch that failed, so what
   * remains of the batch here is void: the reader stops at the first sequence of the next segment.
   */
  async #leave(file: DiskFile, segment: Segment): Promise<void> {
    const { disk, directory, segments } = this.#options;
    this.#segment = undefined;
    await file
      .truncate(segment.end)
      .then(() => file.sync())
      .catch(() => {});
    await this.close();
    if (segment.end > 0) return;
    segments.pop();
    await disk
      .remove(segment.path)
      .then(() => disk.syncDirectory(directory))
      .catch(() => {});
  }
}
