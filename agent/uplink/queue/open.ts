import { join } from 'node:path';
import { type Failure, Fault } from '../../failure/failure.ts';
import type { MessageQueue, QueueCounts } from '../ports.ts';
import { expiry } from './age.ts';
import { type Disk, systemDisk } from './disk.ts';
import { Head, readHead } from './head.ts';
import { DiskQueue } from './queue.ts';
import { Reader } from './reader.ts';
import type { Reserve } from './reserve.ts';
import { listSegments, mendLast, offsetOf, SEGMENT_BYTES, type Segment } from './segments.ts';
import { Tail } from './tail.ts';
import { damage, lostHead, unnoted, unread, unremoved, unstored } from './words.ts';

export interface QueueOptions {
  readonly directory: string;
  /** Of messages that are not dropped, records and all. On disk, up to one segment more: the first may be dropped in part. */
  readonly maxBytes: number;
  /**
   * Older messages are dropped, when the reader meets them or when room is needed; never at once, and each is counted.
   * The clock may be wrong: see age.ts.
   */
  readonly maxAgeMs?: number;
  /** `drop-oldest` never drops a message that the reader has taken: it may be at the hub. Where only such are left, it refuses. */
  readonly whenFull: 'refuse' | 'drop-oldest';
  /** Of the file system. */
  readonly reserve?: Reserve;
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  warn(failure: Failure): void;
  /** For tests, all of these. */
  monotonic?(): number;
  readonly disk?: Disk;
  readonly segmentBytes?: number;
}

/**
 * Opens the queue of a directory, and makes a missing one. What a crash left half written is cut off. The time it takes does not
 * depend on the number of messages: only the first and the last segment are read.
 * @throws Fault NL-UPLINK-DISK
 */
export async function openQueue(options: QueueOptions): Promise<MessageQueue & { readonly counts: QueueCounts }> {
  const { directory, disk = systemDisk, warn, segmentBytes = SEGMENT_BYTES } = options;
  const path = join(directory, 'head');
  try {
    await disk.makeDirectory(directory).catch(({ cause }) => {
      throw unstored(directory, cause);
    });
    const segments = await listSegments(disk, directory);
    const noted = await readHead(disk, path);
    if (noted === 'lost') warn(lostHead(path));
    const head = typeof noted === 'number' ? noted : 0;
    const mended = await mendLast(disk, segments.at(-1));
    // A sequence below the head would be taken for one that is dropped, where the end of the last segment has rotted away.
    const next = Math.max(mended.next, head);
    const tail = new Tail({ disk, directory, segments, segmentBytes, next, isWhole: mended.isWhole });
    await removeDropped(disk, segments, head, warn);
    const start = await startAt(disk, segments, head, next);
    const pointer = new Head(disk, path, start.sequence, (error) => warn(unnoted(path, error)));
    const reader: Reader = new Reader({
      disk,
      segments,
      ...start,
      next: () => tail.next,
      isExpired: expiry(options, next),
      onDrop: () => pointer.moved(reader.head),
      onDamage: (segment) => warn(damage(segment)),
      onUnremoved: (segment, error) => warn(unremoved(segment, error)),
    });
    await reader.begin();
    return new DiskQueue(options, tail, reader, pointer);
  } catch (error) {
    throw error instanceof Fault ? error : unread(directory, error);
  }
}

/** Segments of which all is dropped: a crash came before their removal. The last one stays, as it is written. */
async function removeDropped(disk: Disk, segments: Segment[], head: number, warn: QueueOptions['warn']): Promise<void> {
  const kept = segments.findLastIndex(({ first }) => first <= head);
  for (const segment of segments.splice(0, Math.max(kept, 0)))
    await disk.remove(segment.path).catch((error) => warn(unremoved(segment, error)));
}

/** The first message that is not dropped. */
async function startAt(disk: Disk, segments: readonly Segment[], head: number, next: number) {
  const [segment, second] = segments;
  if (segment === undefined) return { segment, from: 0, sequence: next };
  if (head <= segment.first) return { segment, from: 0, sequence: segment.first };
  return { segment, from: await offsetOf(disk, segment, head, second?.first ?? next), sequence: head };
}
