import { type FoundRecord, HEADER_BYTES, headerAt, records } from './record.ts';
import type { Segment } from './segments.ts';

/** Of a power cut: a sector is written whole, or it is as before. Larger ones are made of these. */
const SECTOR_BYTES = 512;

/** What the last segment says of its queue. */
export interface Recovered {
  /** Behind its last whole record; 0 where there is none. */
  readonly end: number;
  /** The sequence of the next message. */
  readonly next: number;
  /** All messages with a lower sequence are dropped. */
  readonly head: number;
  /** Messages behind its end were acknowledged, and are gone. How many, cannot be told. */
  readonly isCut: boolean;
  /** Nothing is missing, and nothing but zeros follows. */
  readonly isSound: boolean;
}

/**
 * Judges what a crash, or a bad disk, has left of the last segment.
 * @param bytes all of it
 */
export function recover(bytes: Buffer, { first, isClosed }: Segment): Recovered {
  let [end, next, head, isSound] = [0, first, 0, true];
  for (const { from, header } of records(bytes, 0, first, Number.POSITIVE_INFINITY)) {
    isSound &&= header.sequence === next;
    end = from + header.length;
    next = header.next;
    head = Math.max(head, header.head);
  }
  const last = bytes.findLastIndex((byte) => byte !== 0);
  const length = headerAt(bytes, end)?.length ?? HEADER_BYTES;
  const isTorn = !isClosed && (last < end || isTornAt(bytes, end, Math.max(last + 1, end + length), 0));
  return { end, next, head, isCut: end < bytes.length && !isTorn, isSound: isSound && last < end };
}

/**
 * Whether these bytes were never written in full: the file ends before, or a sector, or the part of one that
 * belongs to them, is still zeros.
 * @param base where `bytes` begin in the file
 */
function isTornAt(bytes: Buffer, from: number, to: number, base: number): boolean {
  if (to > bytes.length) return true;
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
  if (!isTornAt(bytes, from, found.from, base)) return false;
  let last = found;
  for (const one of records(bytes, found.from, found.header.sequence, Number.POSITIVE_INFINITY)) last = one;
  return missing >= last.header.batch;
}
