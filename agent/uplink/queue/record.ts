import { crc32 } from 'node:zlib';
import type { Message, Stored } from '../ports.ts';

/**
 * A message on disk, all numbers big-endian:
 *
 * | bytes | |
 * |---|---|
 * | 4 | `NLQ1` |
 * | 2 | length of the topic |
 * | 4 | length of the payload |
 * | 6 | sequence |
 * | 6 | when it was stored, milliseconds since the epoch |
 * | 4 | CRC-32 of topic and payload |
 * | 4 | CRC-32 of the 26 bytes above |
 * | | topic, payload |
 *
 * Two checksums: a rotten body then costs one message, because the header still says where the next one begins.
 */
export interface RecordHeader {
  readonly sequence: number;
  readonly at: number;
  readonly topicBytes: number;
  readonly bodyCrc: number;
  /** Of the record: header, topic and payload. */
  readonly length: number;
}

export const HEADER_BYTES = 30;
const CRC_AT = HEADER_BYTES - 4;
const MARK = Buffer.from('NLQ1', 'latin1');
/** The first of two bytes that say the length of a string (MQTT 3.1.1 section 1.5.3). */
const LONGEST_TOPIC = 0xff_ff;
const LATEST = 2 ** 48 - 1;

/** @throws RangeError for a topic that MQTT cannot carry */
export function recordBytes({ topic, payload }: Message): number {
  const topicBytes = Buffer.byteLength(topic);
  if (topicBytes > LONGEST_TOPIC) throw new RangeError(`A topic has ${topicBytes} bytes: MQTT has room for 65535.`);
  return HEADER_BYTES + topicBytes + payload.length;
}

/** The records of messages, one after the other. */
export function encode(messages: readonly Stored[]): Buffer {
  const bytes = Buffer.allocUnsafe(messages.reduce((sum, message) => sum + recordBytes(message), 0));
  let from = 0;
  for (const message of messages) from += put(bytes, from, message);
  return bytes;
}

function put(bytes: Buffer, from: number, { sequence, at, topic, payload }: Stored): number {
  const body = from + HEADER_BYTES;
  const topicBytes = bytes.write(topic, body);
  bytes.set(payload, body + topicBytes);
  const end = body + topicBytes + payload.length;
  MARK.copy(bytes, from);
  bytes.writeUInt16BE(topicBytes, from + 4);
  bytes.writeUInt32BE(payload.length, from + 6);
  bytes.writeUIntBE(sequence, from + 10, 6);
  // A clock that is wrong by ages must not stop the queue.
  bytes.writeUIntBE(Math.min(Math.max(Math.trunc(at), 0), LATEST), from + 16, 6);
  bytes.writeUInt32BE(crc32(bytes.subarray(body, end)), from + 22);
  bytes.writeUInt32BE(crc32(bytes.subarray(from, from + CRC_AT)), from + CRC_AT);
  return end - from;
}

/** The header that begins there; undefined where it is rotten, or cut short. */
export function headerAt(bytes: Buffer, from: number): RecordHeader | undefined {
  if (bytes.length - from < HEADER_BYTES || bytes.compare(MARK, 0, MARK.length, from, from + MARK.length) !== 0)
    return undefined;
  if (crc32(bytes.subarray(from, from + CRC_AT)) !== bytes.readUInt32BE(from + CRC_AT)) return undefined;
  const topicBytes = bytes.readUInt16BE(from + 4);
  return {
    sequence: bytes.readUIntBE(from + 10, 6),
    at: bytes.readUIntBE(from + 16, 6),
    topicBytes,
    bodyCrc: bytes.readUInt32BE(from + 22),
    length: HEADER_BYTES + topicBytes + bytes.readUInt32BE(from + 6),
  };
}

/** The message of a whole record; undefined where its body is rotten. The payload is a part of `record`. */
export function messageOf({ sequence, at, topicBytes, bodyCrc, length }: RecordHeader, record: Buffer) {
  if (record.length !== length || crc32(record.subarray(HEADER_BYTES)) !== bodyCrc) return undefined;
  const payloadAt = HEADER_BYTES + topicBytes;
  const topic = record.toString('utf8', HEADER_BYTES, payloadAt);
  return { sequence, at, topic, payload: record.subarray(payloadAt) } satisfies Stored;
}

interface FoundRecord {
  readonly from: number;
  readonly header: RecordHeader;
}

/**
 * The records with a good header and their full length in these bytes. After a rotten header, the next one is looked for: it
 * costs a message, and not the rest of the segment. Sequences rise from `least`, and stay below `limit`: a payload may contain
 * what looks like a record.
 */
export function* records(bytes: Buffer, least: number, limit: number): Generator<FoundRecord, void> {
  let expected = least;
  for (let from = 0; from !== -1; ) {
    const header = headerAt(bytes, from);
    const isNext = header !== undefined && header.sequence >= expected && header.sequence < limit;
    if (isNext && from + header.length <= bytes.length) {
      yield { from, header };
      expected = header.sequence + 1;
      from += header.length;
    } else from = bytes.indexOf(MARK, from + 1);
  }
}
