import { join } from 'node:path';
import type { Disk } from './disk.ts';
import { messageOf, records } from './record.ts';

/** A file of records, named after the first of them. */
export interface Segment {
  readonly first: number;
  readonly path: string;
  /** Bytes that are acknowledged; the reader goes no further. */
  end: number;
  /** Messages that the reader has passed, and that are not dropped. */
  open: number;
}

/** A new segment begins beyond it: small enough to free room soon, large enough for few files. */
export const SEGMENT_BYTES = 256 * 1024;

/** The format is in the name: a newleaf that knows another one leaves these files alone. */
const NAME = /^(\d{16})\.q1$/;

export const newSegment = (directory: string, first: number): Segment => ({
  first,
  path: join(directory, `${String(first).padStart(16, '0')}.q1`),
  end: 0,
  open: 0,
});

/** In order. */
export async function listSegments(disk: Disk, directory: string): Promise<Segment[]> {
  const firsts = (await disk.list(directory)).flatMap((name) => NAME.exec(name)?.slice(1).map(Number) ?? []);
  const segments = firsts.sort((a, b) => a - b).map((first) => newSegment(directory, first));
  await Promise.all(
    segments.map(async (segment) => {
      segment.end = await disk.size(segment.path);
    }),
  );
  return segments;
}

interface Mended {
  /** The sequence of the next message. */
  readonly next: number;
  /** Whether messages may be added to it. */
  readonly isWhole: boolean;
}

/**
 * Cuts off what a crash left behind the last good record. Of the last record, rot cannot be told from a write that the crash
 * cut short, so neither is counted as damage.
 */
export async function mendLast(disk: Disk, segment: Segment | undefined): Promise<Mended> {
  if (segment === undefined) return { next: 1, isWhole: false };
  const bytes = await wholeOf(disk, segment);
  let next = segment.first;
  segment.end = 0;
  for (const { from, header } of records(bytes, segment.first, Number.POSITIVE_INFINITY)) {
    const end = from + header.length;
    if (messageOf(header, bytes.subarray(from, end)) === undefined) continue;
    next = header.sequence + 1;
    segment.end = end;
  }
  const isWhole = segment.end === bytes.length || (await isCut(disk, segment));
  return { next, isWhole };
}

/** Cut, and on disk: else a message that was refused could come back after a power cut. */
async function isCut(disk: Disk, { path, end }: Segment): Promise<boolean> {
  try {
    const file = await disk.open(path, 'r+');
    try {
      await file.truncate(end);
      await file.sync();
    } finally {
      await file.close();
    }
    return true;
  } catch {
    // A read-only disk, say. Messages can be read all the same, and the next one goes into another segment.
    return false;
  }
}

/** Where the first message with at least this sequence begins, or the end. */
export async function offsetOf(disk: Disk, segment: Segment, sequence: number, limit: number): Promise<number> {
  for (const { from, header } of records(await wholeOf(disk, segment), segment.first, limit))
    if (header.sequence >= sequence) return from;
  return segment.end;
}

async function wholeOf(disk: Disk, { path, end }: Segment): Promise<Buffer> {
  if (end === 0) return Buffer.alloc(0);
  const file = await disk.open(path, 'r');
  try {
    return await file.read(end, 0);
  } finally {
    await file.close();
  }
}
