import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';
import { bits, distinguishedName, extension, octets, oid, pem, sequence, tlv, unsigned } from '../../../hsm/der.ts';

/** A certificate to be made; the key is P-256, and so is that of the issuer. */
export interface Wanted {
  /** CN: 64 characters at most (RFC 5280 appendix A.1, ub-common-name). */
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly issuer: { readonly subject: string; readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /** DNS names and IP addresses: of a server; or, for a CA, all that it may vouch for. */
  readonly names: readonly string[];
  readonly isCa: boolean;
}

/** The beginning of UNIX time: without a battery the clock of a gateway begins there, and its programs must accept it then, too. */
const NOT_BEFORE = 0;

const VERSION_3 = tlv(0xa0, Buffer.from([2, 1, 2]));
const TRUE = Buffer.from([1, 1, 0xff]);
/** RFC 5758 section 3.2. */
const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
/** KeyUsage: keyCertSign and cRLSign; digitalSignature (RFC 5280 section 4.2.1.3). */
const SIGNS_CERTIFICATES = Buffer.from([3, 2, 1, 0x06]);
const SIGNS = Buffer.from([3, 2, 7, 0x80]);
const SERVER_AUTH = oid('1.3.6.1.5.5.7.3.1');

/** An X.509 certificate in PEM: the DER is written by hand, for the reason in hsm/csr.ts. */
export function certify({ subject, publicKey, issuer, notAfter, names, isCa }: Wanted): string {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const serial = randomBytes(16);
  // RFC 5280 section 4.1.2.2: a positive number.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const keyIds = [
    extension('2.5.29.14', false, octets(keyId(publicKey))),
    extension('2.5.29.35', false, sequence(tlv(0x80, keyId(issuer.publicKey)))),
  ];
  const body = sequence(
    VERSION_3,
    unsigned(serial),
    ECDSA_SHA256,
    distinguishedName(issuer.subject),
    sequence(time(NOT_BEFORE), time(notAfter)),
    distinguishedName(subject),
    spki,
    tlv(0xa3, sequence(...(isCa ? caExtensions(names) : serverExtensions(names)), ...keyIds)),
  );
  return pem('CERTIFICATE', sequence(body, ECDSA_SHA256, bits(sign('sha256', body, issuer.privateKey))));
}

/** RFC 7093 section 2, method 1: the leftmost 160 bits of SHA-256 of the key. */
export function keyId(key: KeyObject): Buffer {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  const point = [Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')];
  return createHash('sha256').update(Buffer.concat(point)).digest().subarray(0, 20);
}

/**
 * A CA that signs servers of these names only, and no further CA: path length 0. Where it is among the CAs of
 * the system, as programs that can name no file need it, a thief of its key is no other server to the gateway.
 */
function caExtensions(names: readonly string[]): readonly Buffer[] {
  const constraints = sequence(TRUE, unsigned(Buffer.of(0)));
  const permitted = names.map((name) => sequence(subtree(name)));
  return [
    extension('2.5.29.19', true, constraints),
    extension('2.5.29.15', true, SIGNS_CERTIFICATES),
    extension('2.5.29.30', true, sequence(tlv(0xa0, Buffer.concat(permitted)))),
  ];
}

/** RFC 5280 section 4.2.1.10: an address has its mask behind it. Of 127.0.0.1 it is all of the loopback. */
export function subtree(name: string): Buffer {
  if (isIP(name) === 0) return generalName(name);
  if (isIP(name) === 4 && name.startsWith('127.')) return tlv(0x87, Buffer.from([127, 0, 0, 0, 255, 0, 0, 0]));
  const address = addressOf(name);
  return tlv(0x87, address, Buffer.alloc(address.length, 0xff));
}

function serverExtensions(names: readonly string[]): readonly Buffer[] {
  return [
    extension('2.5.29.19', true, sequence()),
    extension('2.5.29.15', true, SIGNS),
    extension('2.5.29.37', false, sequence(SERVER_AUTH)),
    extension('2.5.29.17', false, sequence(...names.map(generalName))),
  ];
}

/** RFC 5280 section 4.2.1.6: dNSName, or iPAddress in network byte order. */
const generalName = (name: string): Buffer =>
  isIP(name) === 0 ? tlv(0x82, Buffer.from(name, 'latin1')) : tlv(0x87, addressOf(name));

function addressOf(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  // The URL parser knows every way to write it, and gives one: groups in hex, one run of zeros as "::".
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = [], tail = []] = plain.split('::').map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  return Buffer.from([...head, ...zeros, ...tail].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** RFC 5280 section 4.1.2.5: UTCTime up to 2049, GeneralizedTime from 2050. */
function time(at: number): Buffer {
  const date = new Date(at);
  const text = `${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  return date.getUTCFullYear() < 2050 ? tlv(0x17, Buffer.from(text.slice(2))) : tlv(0x18, Buffer.from(text));
}
