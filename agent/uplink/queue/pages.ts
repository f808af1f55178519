import type { Disk, DiskFile } from './disk.ts';
import type { Segment } from './segments.ts';

/** What one read brings in: a dozen messages of the usual size. */
const PAGE_BYTES = 4096;

/** Reads segments, a page at a time. It keeps one file open, and the last page until `rest`. Calls must not overlap. */
export class Pages {
  readonly #disk: Disk;
  #file: { readonly segment: Segment; readonly file: DiskFile } | undefined;
  #page: { readonly segment: Segment; readonly from: number; readonly bytes: Buffer } | undefined;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /**
   * Acknowledged bytes of a segment; fewer where it ends. They never change, so a page of them stays right.
   * @throws the error of the system
   */
  async read(segment: Segment, from: number, length: number): Promise<Buffer> {
    const page = this.#page;
    const to = Math.min(from + length, segment.end);
    if (page?.segment === segment && from >= page.from && to <= page.from + page.bytes.length)
      return page.bytes.subarray(from - page.from, to - page.from);
    const file = await this.#open(segment);
    if (to - from > PAGE_BYTES) return file.read(to - from, from);
    const bytes = await file.read(Math.min(PAGE_BYTES, segment.end - from), from);
    this.#page = { segment, from, bytes };
    return bytes.subarray(0, to - from);
  }

  /** Gives the memory back. */
  rest(): void {
    this.#page = undefined;
  }

  /** The segment will be removed. */
  async forget(segment: Segment): Promise<void> {
    if (this.#page?.segment === segment) this.rest();
    if (this.#file?.segment === segment) await this.close();
  }

  async close(): Promise<void> {
    const file = this.#file?.file;
    this.#file = undefined;
    await file?.close().catch(() => {});
  }

  async #open(segment: Segment): Promise<DiskFile> {
    if (this.#file?.segment === segment) return this.#file.file;
    await this.close();
    const file = await this.#disk.open(segment.path, 'r');
    this.#file = { segment, file };
    return file;
  }
}
