import { join } from 'node:path';
import { type DiskFile, writeWhole } from './disk.ts';
import { type Files, newSegment, type Segment } from './segments.ts';
import { scarce } from './words.ts';

/** What is written. */
interface Written {
  readonly segment: Segment;
  readonly file: DiskFile;
  /** Its length, on disk: as long as it stays the same, fdatasync(2) leaves the journal of the file system alone. */
  readonly length: number;
}

/**
 * Writes batches of records, durably, into zeros that were written in advance. It adds to no file of a process before, nor to one
 * in which a write or a sync has failed: what is in there behind the last good record must not be seen again. Calls must not
 * overlap.
 */
export class Tail {
  readonly #files: Files;
  #next: number;
  #written: Written | undefined;

  /** @param next the sequence of the next message */
  constructor(files: Files, next: number) {
    this.#files = files;
    this.#next = next;
  }

  get next(): number {
    return this.#next;
  }

  /** How many bytes a batch may have that begins with a record of this length. */
  roomFor(bytes: number): number {
    const { segment, length } = this.#written ?? { segment: { end: 0 }, length: 0 };
    const left = length - segment.end;
    return left >= bytes ? left : Math.max(bytes, this.#files.segmentBytes);
  }

  /**
   * Fulfilled when the records are synced. Where it fails they are written once more, into a new segment: after a sync that failed,
   * Linux marks the pages clean all the same, and a second fdatasync of that file would succeed without having written them.
   * @param isLast nothing comes behind it, so a new segment is as long as it
   * @throws the error of the system, Fault NL-UPLINK-DISK of the reserve; none of the records is in the queue then
   */
  async store(records: Buffer, count: number, isLast = false): Promise<void> {
    const attempt = () => this.#attempt(records, count, isLast);
    await attempt().catch(attempt);
  }

  /** Gives back the room that was not needed. */
  async close(): Promise<void> {
    const written = this.#written;
    this.#written = undefined;
    if (written !== undefined) await this.#leave(written);
  }

  async #attempt(records: Buffer, count: number, isLast: boolean): Promise<void> {
    const written = this.#written;
    if (written === undefined || written.segment.end + records.length > written.length)
      return this.#begin(records, count, isLast);
    const { file, segment } = written;
    try {
      await writeWhole(file, records, segment.end);
      await file.datasync();
    } catch (error) {
      await this.close();
      throw error;
    }
    segment.end += records.length;
    this.#next += count;
  }

  /** It gets its name when it is on disk: the name may be that of a segment with no more than a note, which must not be lost. */
  async #begin(records: Buffer, count: number, isLast: boolean): Promise<void> {
    await this.close();
    const { disk, directory, segments, segmentBytes, reserve } = this.#files;
    // For large messages the journal is cheap, and zeros are not.
    const length = isLast || records.length > segmentBytes / 2 ? records.length : segmentBytes;
    if (!isLast && (await reserve?.take(length)) === false) throw scarce(directory);
    const segment = newSegment(directory, this.#next);
    let path = join(directory, 'new');
    const file = await disk.open(path, 'w');
    try {
      await writeWhole(file, Buffer.concat([records], length), 0);
      await file.datasync();
      await disk.rename(path, segment.path);
      path = segment.path;
      await disk.syncDirectory(directory);
    } catch (error) {
      await this.#leave({ segment, file, length });
      const gone = async () => {
        await disk.remove(path);
        await disk.syncDirectory(directory);
      };
      await gone().catch(() => {});
      throw error;
    }
    segment.end = records.length;
    segments.push(segment);
    this.#next += count;
    this.#written = { segment, file, length };
  }

  /**
   * Cuts off what is behind the last record. Synced: after a failure a part of the batch may be in the file, and must not come back
   * after a power cut. Where this fails, too, it is void as soon as there is a next segment, whose name is the first sequence of it.
   */
  async #leave({ segment, file, length }: Written): Promise<void> {
    const cut = async () => {
      await file.truncate(segment.end);
      await file.datasync();
    };
    if (segment.end < length) await cut().catch(() => {});
    await file.close().catch(() => {});
  }
}
