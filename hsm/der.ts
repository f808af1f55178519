/** Just enough DER (X.690) to write a PKCS#10 request and to cut a certificate into the parts for a token. */

const LONG_FORM = 0x80;

/** One tag, its length, and the parts as content (up to 65,535 bytes). */
export function tlv(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const count = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  const size = length < LONG_FORM ? count : [LONG_FORM | count.length, ...count];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => tlv(0x30, ...parts);
export const set = (...parts: readonly Uint8Array[]): Buffer => tlv(0x31, ...parts);
export const octets = (content: Uint8Array): Buffer => tlv(0x04, content);
export const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text));
/** A BIT STRING of whole bytes. */
export const bits = (content: Uint8Array): Buffer => tlv(0x03, Buffer.of(0), content);

/** An INTEGER from big-endian bytes that are never negative (r and s of a signature). */
export function unsigned(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first === -1 ? Buffer.of(0) : bytes.subarray(first);
  return tlv(0x02, Buffer.from((digits[0] ?? 0) >= 0x80 ? [0] : []), digits);
}

/** An OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(0x06, Buffer.from(bytes));
}

/** A Name with a CN, and nothing else (RFC 5280 section 4.1.2.4). */
export const distinguishedName = (commonName: string): Buffer =>
  sequence(set(sequence(oid('2.5.4.3'), utf8(commonName))));

/** RFC 5280 section 4.1.2.9. */
export const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [Buffer.of(1, 1, 0xff)] : []), octets(value));

/** RFC 7468 section 2. */
export function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

/** One element cut out of DER: `whole` with tag and length, `content` without. */
export interface Element {
  readonly tag: number;
  readonly whole: Buffer;
  readonly content: Buffer;
}

/**
 * The elements that follow one another in `der`.
 * @throws RangeError when a length points beyond the end
 */
export function elements(der: Buffer): Element[] {
  const found: Element[] = [];
  for (let rest = der; rest.length > 0; ) {
    const size = rest.readUInt8(1);
    const extra = size < LONG_FORM ? 0 : size & 0x7f;
    const start = 2 + extra;
    const end = start + (extra === 0 ? size : rest.readUIntBE(2, extra));
    if (end > rest.length) throw new RangeError('DER ends too early');
    found.push({ tag: rest.readUInt8(0), whole: rest.subarray(0, end), content: rest.subarray(start, end) });
    rest = rest.subarray(end);
  }
  return found;
}
