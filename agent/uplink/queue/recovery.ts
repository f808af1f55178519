import { type FoundRecord, HEADER_BYTES, headerAt, records } from './record.ts';
import { isFirstFormat, type Segment } from './segments.ts';

/** Of a power cut: a sector is written whole, or it is as before. Larger ones are made of these. */
const SECTOR_BYTES = 512;

/** What the last segment says of its queue. */
interface Recovered {
  /** Behind its last whole record; 0 where there is none. */
  readonly end: number;
  /** The sequence of the next message. */
  readonly next: number;
  /** All messages with a lower sequence are dropped. */
  readonly head: number;
  /** Messages behind its end were acknowledged, and are gone. How many, cannot be told. */
  readonly isCut: boolean;
}

/**
 * Judges what a crash, or a bad disk, has left of the last segment.
 * @param bytes all of it
 * @param segmentBytes its length when it was made, or more for a large message
 */
export function recover(bytes: Buffer, segment: Segment, segmentBytes: number): Recovered {
  let [end, next, head] = [0, segment.first, 0];
  for (const { from, header } of records(bytes, 0, segment.first, Number.POSITIVE_INFINITY)) {
    end = from + header.length;
    next = header.sequence + (header.isNote ? 0 : 1);
    head = Math.max(head, header.head);
  }
  // A shorter one was cut off at its end when it was closed: no room is left in it.
  const isTorn = bytes.length >= segmentBytes && isTornAt(bytes, end);
  return { end, next, head, isCut: end < bytes.length && !isTorn && !isFirstFormat(segment) };
}

/** Whether zeros are all that follows, or a batch that the crash cut short. */
function isTornAt(bytes: Buffer, end: number): boolean {
  const last = bytes.findLastIndex((byte) => byte !== 0);
  const length = headerAt(bytes, end)?.length ?? HEADER_BYTES;
  return last < end || isTorn(bytes, end, Math.max(last + 1, end + length), 0);
}

/**
 * Whether these bytes were never written in full: a sector, or the part of one that belongs to them, is still zeros.
 * @param base where `bytes` begin in the file
 */
function isTorn(bytes: Buffer, from: number, to: number, base: number): boolean {
  for (let at = from; at < to; ) {
    const next = at + SECTOR_BYTES - ((base + at) % SECTOR_BYTES);
    if (bytes.subarray(at, Math.min(next, to)).every((byte) => byte === 0)) return true;
    at = next;
  }
  return false;
}

/**
 * Whether the messages that are missing before `found` were never acknowledged: they belong to the last batch of a segment, and a
 * crash cut it short.
 * @param missing the sequence of the first of them
 */
export function isUnwritten(bytes: Buffer, from: number, base: number, missing: number, found: FoundRecord): boolean {
  if (!isTorn(bytes, from, found.from, base)) return false;
  let last = found;
  for (const one of records(bytes, found.from, found.header.sequence, Number.POSITIVE_INFINITY)) last = one;
  return missing >= last.header.batch;
}
