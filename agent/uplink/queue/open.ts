import { Fault } from '../../failure/failure.ts';
import type { MessageQueue } from '../ports.ts';
import { type Disk, systemDisk } from './disk.ts';
import { DiskQueue, type QueueOptions } from './queue.ts';
import { type Recovered, recover } from './recovery.ts';
import { bytesOf, discard, type Files, listSegments, remove, SEGMENT_BYTES, type Segment } from './segments.ts';
import { Tail } from './tail.ts';
import { unread, unstored } from './words.ts';

/**
 * Opens the queue of a directory, and makes a missing one. What a crash left half written is cut off, and what a bad disk has lost
 * is counted. The time it takes does not depend on the number of messages: only the first and the last segment are read.
 * @throws Fault NL-UPLINK-DISK
 */
export async function openQueue(given: QueueOptions): Promise<MessageQueue> {
  const options = { ...given };
  const { directory, reserve, disk = systemDisk, warn, segmentBytes = SEGMENT_BYTES } = options;
  try {
    await disk.makeDirectory(directory).catch(({ cause }) => {
      throw unstored(directory, cause);
    });
    const place = { disk, directory, segmentBytes, reserve, warn };
    const files: Files = { ...place, segments: await listSegments(place) };
    const { next, head } = await lastOf(files);
    await removeDropped(files, head);
    const queue = new DiskQueue(options, files, new Tail(files, next), head);
    await queue.begin();
    return queue;
  } catch (error) {
    throw error instanceof Fault ? error : unread(directory, error);
  }
}

/**
 * What the last segment with a record says. One behind it has lost everything, and is set aside. One with no more than notes has
 * said all it knows, and the next segment takes its name.
 */
async function lastOf({ disk, segments }: Files) {
  let [next, head] = [1, segments[0]?.first ?? 1];
  for (let last = segments.at(-1); last !== undefined; last = segments.at(-1)) {
    const found = recover(await bytesOf(disk, last, 0), last);
    const isLost = found.isCut || (last.isBad && found.end === 0);
    // The one that is skipped stands for all that are gone: the reader counts what it does not find.
    next = Math.max(next, found.next + (isLost ? 1 : 0));
    head = Math.max(head, found.head);
    if (found.next > last.first) {
      if (!last.isClosed) await settle(disk, last, found);
      last.end = found.end;
      break;
    }
    segments.pop();
    if (found.end > 0) break;
    last.isBad = isLost;
    await discard(disk, last).catch(() => {});
  }
  // A sequence below the head would be taken for one that is dropped: a payload behind rot may look like a record with any head.
  return { next: Math.max(next, head), head };
}

/**
 * Gives back the room; keeps what a power cut would still take: it was written, and never synced. Not on a read-only disk, say.
 */
async function settle(disk: Disk, { path }: Segment, { end, isSound }: Recovered): Promise<void> {
  try {
    const file = await disk.open(path, 'r+');
    try {
      if (isSound) await file.truncate(end);
      await file.datasync();
    } finally {
      await file.close();
    }
  } catch {}
}

/** Segments of which all is dropped: a crash came before their removal. The last one stays: it knows the head. */
async function removeDropped(files: Files, head: number): Promise<void> {
  const kept = files.segments.findLastIndex(({ first }) => first <= head);
  for (const segment of files.segments.splice(0, Math.max(kept, 0))) await remove(files, segment);
}
