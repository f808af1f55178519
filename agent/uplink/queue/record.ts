import { crc32 } from 'node:zlib';
import type { Message, Stored } from '../ports.ts';

/**
 * A message on disk, all numbers big-endian:
 *
 * | bytes | |
 * |---|---|
 * | 4 | `NLQ2` |
 * | 2 | length of the topic |
 * | 4 | length of the payload |
 * | 6 | sequence |
 * | 6 | when it was stored, milliseconds since the epoch |
 * | 4 | CRC-32 of topic and payload |
 * | 6 | the head: all messages with a lower sequence are dropped |
 * | 2 | how many of its batch are before it: all before the batch were on disk when it was written |
 * | 4 | CRC-32 of the 34 bytes above |
 * | | topic, payload |
 *
 * Two checksums: a rotten body then costs one message, because the header still says where the next one begins. A note has the
 * sequence of the next message, and its place is 65535.
 */
interface RecordHeader<Of> {
  /** A message; or a note of the head, where no message comes that would know it. */
  readonly of: Of;
  readonly sequence: number;
  /** The sequence of the message that follows. */
  readonly next: number;
  readonly at: number;
  readonly topicBytes: number;
  readonly bodyCrc: number;
  readonly head: number;
  /** The first sequence of its batch. */
  readonly batch: number;
  /** Of the record: header, topic and payload. */
  readonly length: number;
}

export type MessageHeader = RecordHeader<'message'>;
type NoteHeader = RecordHeader<'note'>;

export const HEADER_BYTES = 38;
const CRC_BYTES = 4;
const MARK = Buffer.from('NLQ2', 'latin1');
const NOTE = 0xff_ff;
/** The first of two bytes that say the length of a string (MQTT 3.1.1 section 1.5.3). */
const LONGEST_TOPIC = 0xff_ff;
const LATEST = 2 ** 48 - 1;

/** @throws RangeError for a topic that MQTT cannot carry */
export function recordBytes({ topic, payload }: Message): number {
  const topicBytes = Buffer.byteLength(topic);
  if (topicBytes > LONGEST_TOPIC) throw new RangeError(`A topic has ${topicBytes} bytes: MQTT has room for 65535.`);
  return HEADER_BYTES + topicBytes + payload.length;
}

/** The records of a batch, one after the other. */
export function encode(messages: readonly Stored[], head: number): Buffer {
  const bytes = Buffer.allocUnsafe(messages.reduce((sum, message) => sum + recordBytes(message), 0));
  let from = 0;
  for (const [place, message] of messages.entries()) from += put(bytes, from, message, head, place);
  return bytes;
}

/** @param sequence of the next message */
export function encodeNote(sequence: number, head: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES);
  put(bytes, 0, { sequence, at: 0, topic: '', payload: Buffer.alloc(0) }, head, NOTE);
  return bytes;
}

function put(bytes: Buffer, from: number, { sequence, at, topic, payload }: Stored, head: number, place: number) {
  const body = from + HEADER_BYTES;
  const topicBytes = bytes.write(topic, body);
  bytes.set(payload, body + topicBytes);
  const end = body + topicBytes + payload.length;
  bytes.set(MARK, from);
  bytes.writeUInt16BE(topicBytes, from + 4);
  bytes.writeUInt32BE(payload.length, from + 6);
  bytes.writeUIntBE(sequence, from + 10, 6);
  // A clock that is wrong by ages must not stop the queue.
  bytes.writeUIntBE(Math.min(Math.max(Math.trunc(at), 0), LATEST), from + 16, 6);
  bytes.writeUInt32BE(crc32(bytes.subarray(body, end)), from + 22);
  bytes.writeUIntBE(head, from + 26, 6);
  bytes.writeUInt16BE(place, from + 32);
  bytes.writeUInt32BE(crc32(bytes.subarray(from, body - CRC_BYTES)), body - CRC_BYTES);
  return end - from;
}

/** The header that begins there; undefined where it is rotten, or cut short. */
export function headerAt(bytes: Buffer, from: number): MessageHeader | NoteHeader | undefined {
  const crcAt = from + HEADER_BYTES - CRC_BYTES;
  if (crcAt + CRC_BYTES > bytes.length || !bytes.subarray(from, from + MARK.length).equals(MARK)) return undefined;
  if (crc32(bytes.subarray(from, crcAt)) !== bytes.readUInt32BE(crcAt)) return undefined;
  const topicBytes = bytes.readUInt16BE(from + 4);
  const sequence = bytes.readUIntBE(from + 10, 6);
  const place = bytes.readUInt16BE(from + 32);
  return {
    ...(place === NOTE
      ? { of: 'note', next: sequence, batch: sequence }
      : { of: 'message', next: sequence + 1, batch: sequence - place }),
    sequence,
    at: bytes.readUIntBE(from + 16, 6),
    topicBytes,
    bodyCrc: bytes.readUInt32BE(from + 22),
    head: bytes.readUIntBE(from + 26, 6),
    length: HEADER_BYTES + topicBytes + bytes.readUInt32BE(from + 6),
  };
}

/** The message of a whole record; undefined where its body is rotten. It keeps none of these bytes, which are a whole segment. */
export function messageOf({ sequence, at, topicBytes, bodyCrc, length }: MessageHeader, record: Buffer) {
  if (record.length !== length || crc32(record.subarray(HEADER_BYTES)) !== bodyCrc) return undefined;
  const payloadAt = HEADER_BYTES + topicBytes;
  const topic = record.toString('utf8', HEADER_BYTES, payloadAt);
  return { sequence, at, topic, payload: Buffer.from(record.subarray(payloadAt)) } satisfies Stored;
}

export interface FoundRecord {
  readonly from: number;
  readonly header: MessageHeader | NoteHeader;
}

/**
 * The whole records in these bytes, from there on. A rotten body is passed by its header; after a rotten header, the next one is
 * looked for: it costs a message, and not the rest of the segment. Sequences rise from `least`, and stay below `limit`: a payload
 * may contain what looks like a record.
 */
export function* records(bytes: Buffer, from: number, least: number, limit: number): Generator<FoundRecord, void> {
  let expected = least;
  for (let at = from; at !== -1; ) {
    const header = headerAt(bytes, at);
    const isNext = header !== undefined && header.sequence >= expected && header.sequence < limit;
    if (isNext && at + header.length <= bytes.length) {
      const body = bytes.subarray(at + HEADER_BYTES, at + header.length);
      if (crc32(body) === header.bodyCrc) yield { from: at, header };
      expected = header.next;
      at += header.length;
    } else at = bytes.indexOf(MARK, at + 1);
  }
}
