import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Stored } from '../../../../agent/uplink/ports.ts';
import {
  encode as encodeBatch,
  encodeNote,
  HEADER_BYTES,
  headerAt,
  messageOf,
  recordBytes,
  records,
} from '../../../../agent/uplink/queue/record.ts';

const encode = (messages: readonly Stored[]) => encodeBatch(messages, 0);
const LAST = Number.POSITIVE_INFINITY;
const plain = ({ payload, ...rest }: Stored) => ({ ...rest, payload: [...payload] });

/** As the queue reads a segment. */
const decode = (bytes: Buffer) =>
  [...records(bytes, 0, 0, LAST)].map(({ from, header }) => {
    const stored = header.of === 'message' && messageOf(header, bytes.subarray(from, from + header.length));
    return stored ? plain(stored) : undefined;
  });

const anyMessage = fc.record({
  topic: fc.string({ unit: 'grapheme', maxLength: 40 }),
  payload: fc.uint8Array({ maxLength: 300 }),
  at: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
});

const stored = (sequence: number, topic: string, payload: string): Stored => ({
  sequence,
  at: 1_800_000_000_000,
  topic,
  payload: Buffer.from(payload),
});

test('what is encoded is decoded', () => {
  fc.assert(
    fc.property(fc.array(anyMessage), fc.integer({ min: 0, max: 2 ** 47 }), (list, first) => {
      const messages = list.map((message, index) => ({ ...message, sequence: first + index }));
      const bytes = encode(messages);
      assert.equal(
        bytes.length,
        messages.reduce((sum, message) => sum + recordBytes(message), 0),
      );
      assert.deepEqual(decode(bytes), messages.map(plain));
    }),
  );
});

test('each bit of a record is watched over', () => {
  const bytes = encode([stored(7, 'devices/gw/messages/events/', 'a payload')]);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const rotten = Buffer.from(bytes);
    rotten[bit >> 3] = (rotten[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const header = headerAt(rotten, 0);
    assert.equal(header === undefined, bit < HEADER_BYTES * 8, `bit ${bit}`);
    if (header?.of === 'message') assert.equal(messageOf(header, rotten), undefined, `bit ${bit}`);
  }
});

test('a record that is cut short is none, wherever it is cut', () => {
  const [first, second] = [stored(1, 't', 'one'), stored(2, 't', 'two')];
  const bytes = encode([first, second]);
  for (let length = recordBytes(first); length < bytes.length; length += 1)
    assert.deepEqual(decode(bytes.subarray(0, length)), [plain(first)], `${length} bytes`);
});

test('after rot of any kind, all records behind it are found', () => {
  const messages = [1, 2, 3, 4].map((sequence) => stored(sequence, 'topic', `payload ${sequence}`));
  const bytes = encode(messages);
  const [first, , third, fourth] = messages.map(plain);
  const begin = recordBytes(stored(1, 'topic', 'payload 1'));
  fc.assert(
    fc.property(fc.uint8Array({ minLength: begin, maxLength: begin }), (noise) => {
      const rotten = Buffer.from(bytes);
      rotten.set(noise, begin);
      assert.deepEqual(decode(rotten), [first, third, fourth]);
    }),
  );
});

test('a payload that looks like a record is no record', () => {
  const inner = encode([stored(2, 'inner', 'forged')]);
  const outer = { ...stored(1, 't', ''), payload: inner };
  const next = stored(2, 't', 'real');
  const bytes = encode([outer, next]);
  assert.deepEqual(decode(bytes), [plain(outer), plain(next)]);
});

test('a record knows the head and its batch; a note of the head has the sequence of the next message', () => {
  const batch = [stored(5, 't', ''), stored(6, 't', '')];
  const bytes = Buffer.concat([encodeBatch(batch, 3), encodeNote(7, 6), encodeBatch([stored(7, 't', '')], 6)]);
  const found = [...records(bytes, 0, 0, LAST)].map(({ header }) => header);
  assert.deepEqual(
    found.map(({ sequence, head, batch, of }) => [sequence, head, batch, of]),
    [
      [5, 3, 5, 'message'],
      [6, 3, 5, 'message'],
      [7, 6, 7, 'note'],
      [7, 6, 7, 'message'],
    ],
  );
});

test('a sequence that does not rise, or that belongs to the next segment, is void', () => {
  const bytes = encode([stored(5, 't', ''), stored(4, 't', ''), stored(6, 't', ''), stored(9, 't', '')]);
  const sequences = (least: number, limit: number) =>
    [...records(bytes, 0, least, limit)].map((one) => one.header.sequence);
  assert.deepEqual(sequences(0, 9), [5, 6]);
  assert.deepEqual(sequences(6, LAST), [6, 9]);
});

test('the longest topic that MQTT knows', () => {
  const longest = stored(1, 'x'.repeat(65_535), '');
  assert.deepEqual(decode(encode([longest])), [plain(longest)]);
  assert.throws(() => recordBytes(stored(1, 'é'.repeat(32_768), '')), /65536 bytes: MQTT has room for 65535/);
});

test('a clock that is wrong by ages', () => {
  for (const [at, kept] of [
    [-5, 0],
    [2 ** 60, 2 ** 48 - 1],
    [1.9, 1],
  ] as const)
    assert.equal(decode(encode([{ ...stored(1, 't', ''), at }]))[0]?.at, kept);
});
