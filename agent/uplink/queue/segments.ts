import { dirname, join } from 'node:path';
import type { Failure } from '../../failure/failure.ts';
import type { Disk } from './disk.ts';
import type { Reserve } from './reserve.ts';
import { ofOtherFormat, unremoved } from './words.ts';

/** A file of records, named after the first of them. */
export interface Segment {
  readonly first: number;
  readonly path: string;
  /** Bytes that are acknowledged; the reader goes no further. Zeros behind them are room. */
  end: number;
  /** Messages that the reader has passed, and that are not dropped. */
  open: number;
  /** Cut off at its end, so that all of it was acknowledged. Else a crash may have left it. */
  isClosed: boolean;
  /** Some of it cannot be read: it is never removed, so that nothing else comes to lie on these sectors. */
  isBad: boolean;
}

/** The files of a queue, as its writer and its reader share them. */
export interface Files {
  readonly disk: Disk;
  readonly directory: string;
  /** The oldest first. Each has a record at least. */
  readonly segments: Segment[];
  /** Their length while they are written. */
  readonly segmentBytes: number;
  readonly reserve?: Reserve | undefined;
  warn(failure: Failure): void;
}

/** The length of a file: small enough to free room soon, large enough for few files. */
export const SEGMENT_BYTES = 256 * 1024;

/** The format is in the name: files of another one are left alone. */
const NAME = /^\d{16}\.q\d+$/;
const FORMAT = '.q2';

const segmentAt = (directory: string, name: string): Segment => ({
  first: Number(name.slice(0, 16)),
  path: join(directory, name),
  end: 0,
  open: 0,
  isClosed: true,
  isBad: false,
});

export const newSegment = (directory: string, first: number): Segment =>
  segmentAt(directory, `${String(first).padStart(16, '0')}${FORMAT}`);

/** In order. @param segmentBytes their length while they are written */
export async function listSegments({
  disk,
  directory,
  segmentBytes,
  warn,
}: Omit<Files, 'segments'>): Promise<Segment[]> {
  const names = (await disk.list(directory)).filter((name) => NAME.test(name)).sort();
  const own = names.filter((name) => name.endsWith(FORMAT));
  if (own.length < names.length) warn(ofOtherFormat(directory, names.length - own.length));
  return Promise.all(
    own.map(async (name) => {
      const segment = segmentAt(directory, name);
      segment.end = (await answer(disk, segment, () => disk.size(segment.path))) ?? 0;
      segment.isClosed = segment.end < segmentBytes;
      return segment;
    }),
  );
}

/** Removes it; a bad one is set aside. @throws the error of the system */
export function discard(disk: Disk, { path, isBad }: Segment): Promise<void> {
  return isBad ? disk.rename(path, `${path}.bad`) : disk.remove(path);
}

/** The same for one of which all is dropped: where it fails, the next start tries it again. */
export async function remove({ disk, warn }: Files, segment: Segment): Promise<void> {
  await discard(disk, segment).catch((error) => warn(unremoved(segment.path, error)));
}

/** What the page cache reads by itself: so much does a bad sector cost. */
const PAGE_BYTES = 4096;
const TRIES = 3;
/** read(2), and what file systems with checksums say. */
const UNREADABLE: readonly unknown[] = ['EIO', 'ENODATA', 'EBADMSG', 'EUCLEAN'];

/**
 * The bytes of a segment up to its end; fewer where the file is shorter. What cannot be read is 0xff there, which no record is
 * and no room.
 * @throws the error of the system, where it is not that of a bad sector
 */
export async function bytesOf(disk: Disk, segment: Segment, from: number, to = segment.end): Promise<Buffer> {
  const parts: Buffer[] = [];
  const file = await answer(disk, segment, () => disk.open(segment.path, 'r'));
  if (file === undefined) return Buffer.alloc(to - from, 0xff);
  try {
    for (let at = from; at < to; at += parts.at(-1)?.length ?? 0) {
      const part = await answer(disk, segment, () => file.read(to - at, at));
      if (part?.length === 0) break;
      parts.push(part ?? Buffer.alloc(Math.min(PAGE_BYTES - (at % PAGE_BYTES), to - at), 0xff));
    }
  } finally {
    await file.close().catch(() => {});
  }
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
}

/**
 * Undefined from a bad sector: where the disk takes a flush and the sector is not read even then. A disk that is away for a
 * moment must cost no message.
 */
async function answer<T>(disk: Disk, segment: Segment, work: () => Promise<T>): Promise<T | undefined> {
  for (let left = TRIES - 1; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (!UNREADABLE.includes((error as NodeJS.ErrnoException).code)) throw error;
    }
    if (left === 0) break;
    await disk.syncDirectory(dirname(segment.path));
  }
  segment.isBad = true;
  return undefined;
}
