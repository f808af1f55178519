import { demand } from './violation.ts';

/** The packets of a client, with the flags that each must have (MQTT 3.1.1 section 2.2.2); undefined: judged by itself. */
const FLAGS: ReadonlyMap<number, number | undefined> = new Map([
  [1, 0], // CONNECT
  [3, undefined], // PUBLISH: DUP, QoS, RETAIN
  [4, 0], // PUBACK
  [8, 2], // SUBSCRIBE
  [10, 2], // UNSUBSCRIBE
  [12, 0], // PINGREQ
  [14, 0], // DISCONNECT
]);
const CONNECT = 1;
const PUBLISH = 3;
/** MQTT 3.1.1 section 2.2.3: "The maximum number of bytes in the Remaining Length field is four." */
const LENGTH_BYTES = 4;
const NOTHING = Buffer.alloc(0);

export interface Longest {
  readonly longestConnect: number;
  readonly longestPacket: number;
}

/**
 * Cuts the stream of a client into packets, one at a time. mqtt-packet 6.10.0 would gather up to 256 MiB, and hand over all
 * packets of a chunk at once: here a packet that is too long, or comes at the wrong time, is known by its first bytes, and
 * those behind it can wait. Of a message that is too long the beginning is kept, and the rest is read and thrown away: it can be
 * acknowledged, where a client whose connection was closed would send it again for ever.
 */
export class Frames {
  readonly #longest: Longest;
  /** Bytes that are not cut yet. */
  #rest: Buffer = NOTHING;
  /** A packet that comes in several chunks, with the bytes that are there. One copy: a chunk may be a single byte. */
  #partial: { readonly whole: Buffer; filled: number } | undefined;
  /** Bytes of a message that are still to be thrown away. */
  #beyond = 0;
  #isFirst = true;

  constructor(longest: Longest) {
    this.#longest = longest;
  }

  /** Whether no byte waits for `next`. */
  get isEmpty(): boolean {
    return this.#rest.length === 0;
  }

  push(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
  }

  /**
   * The next packet, whole; undefined until more bytes come.
   * @throws Violation
   */
  next(): Buffer | undefined {
    if (this.#partial === undefined) {
      const length = this.#length();
      if (length === undefined) return undefined;
      // Of the pool only for small ones: memory that is not written to is not there yet.
      this.#partial = { whole: Buffer.allocUnsafe(length), filled: 0 };
    }
    const { whole, filled } = this.#partial;
    const taken = this.#rest.copy(whole, filled);
    this.#rest = this.#rest.subarray(taken);
    this.#partial.filled += taken;
    if (this.#partial.filled < whole.length) return undefined;
    const passedOver = Math.min(this.#beyond, this.#rest.length);
    this.#rest = this.#rest.subarray(passedOver);
    this.#beyond -= passedOver;
    if (this.#beyond > 0) return undefined;
    this.#partial = undefined;
    this.#isFirst = false;
    return whole;
  }

  /** Length of the packet that begins here, header and all; undefined until that can be said. */
  #length(): number | undefined {
    const [first] = this.#rest;
    if (first === undefined) return undefined;
    const kind = first >> 4;
    demand(FLAGS.has(kind), 'a packet that no client sends, or one of QoS 2');
    // MQTT 3.1.1 section 3.1: "A Client can only send the CONNECT Packet once over a Network Connection."
    demand(this.#isFirst === (kind === CONNECT), this.#isFirst ? 'a packet before CONNECT' : 'a second CONNECT');
    const flags = FLAGS.get(kind) ?? first & 0x0f;
    demand((first & 0x0f) === flags, 'reserved flags in a header');
    let length = 0;
    for (let digit = 0; ; digit += 1) {
      demand(digit < LENGTH_BYTES, 'a malformed length');
      const byte = this.#rest[1 + digit];
      if (byte === undefined) return undefined;
      length += (byte & 0x7f) << (7 * digit);
      const { longestConnect, longestPacket } = this.#longest;
      const most = this.#isFirst ? longestConnect : longestPacket;
      demand(length <= most || kind === PUBLISH, 'a packet that is too long');
      if (byte >= 0x80) continue;
      if (length <= most) return 2 + digit + length;
      this.#rest = Buffer.concat([Buffer.of(first, ...digitsOf(most)), this.#rest.subarray(2 + digit)]);
      this.#beyond = length - most;
      return this.#length();
    }
  }
}

/** MQTT 3.1.1 section 2.2.3. */
const digitsOf = (length: number): readonly number[] =>
  length < 0x80 ? [length] : [0x80 | (length & 0x7f), ...digitsOf(length >> 7)];
