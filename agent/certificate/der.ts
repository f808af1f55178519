import type { X509Certificate } from 'node:crypto';

/*
 * node's X509Certificate leaves out fields that newleaf must judge: the key usage (its property `keyUsage` holds the EXTENDED
 * key usage), the signature algorithm (`signatureAlgorithm` exists since Node 24.9 only), cA of the basic constraints (`ca` is
 * X509_check_ca(3), which is false for a CA whose key usage lacks keyCertSign) and their path length, and whether an extension
 * is critical. All are a few elements
 * into the DER, which OpenSSL has parsed by then, so no ASN.1 library is needed. hsm/der.ts reads DER likewise, for the token:
 * this folder does not know hsm/, and this file judges certificates of strangers, that one ours.
 */

const BASIC_CONSTRAINTS = '2.5.29.19';
const INTEGER = 0x02;
const KEY_USAGE = '2.5.29.15';
const RSASSA_PSS = '1.2.840.113549.1.1.10';
const SHA1 = '1.3.14.3.2.26';
const BOOLEAN = 0x01;
const EXTENSIONS = 0xa3; // TBSCertificate: extensions [3] EXPLICIT
const PSS_HASH = 0xa0; // RSASSA-PSS-params: hashAlgorithm [0] EXPLICIT

/** RFC 5280 section 4.2.1.3, bit 0 first. */
const USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
];

interface Element {
  readonly tag: number;
  readonly body: Buffer;
}

/** The uses that the key usage extension allows; undefined where there is no such extension. Throws on data that is not DER. */
export function keyUsageOf(certificate: X509Certificate): string[] | undefined {
  const extension = extensionOf(certificate, KEY_USAGE);
  if (extension === undefined) return undefined;
  const bits = extension[0]?.body.subarray(1) ?? Buffer.alloc(0); // the first octet counts the unused bits
  return USAGES.filter((_, bit) => ((bits[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0);
}

/** Whether the basic constraints say `cA TRUE`, whatever the key usage allows. Throws on data that is not DER. */
export function saysCa(certificate: X509Certificate): boolean {
  const [constraints] = extensionOf(certificate, BASIC_CONSTRAINTS) ?? [];
  // RFC 5280 section 4.2.1.9: "cA BOOLEAN DEFAULT FALSE"
  const [ca] = childrenOf(constraints);
  return ca?.tag === BOOLEAN && ca.body.readUInt8(0) !== 0;
}

/** How many intermediates the basic constraints allow below; undefined where they do not say. Throws on data that is not DER. */
export function pathLengthOf(certificate: X509Certificate): number | undefined {
  const [constraints] = extensionOf(certificate, BASIC_CONSTRAINTS) ?? [];
  const length = childrenOf(constraints).find(({ tag }) => tag === INTEGER)?.body;
  return length?.readUIntBE(0, Math.min(length.length, 6));
}

/** The OIDs of its extensions, and whether each is critical. Throws on data that is not DER. */
export const extensionsOf = (certificate: X509Certificate): { readonly oid: string; readonly isCritical: boolean }[] =>
  fieldsOf(certificate).map(([oid, critical]) => ({ oid: oidOf(oid), isCritical: critical?.tag === BOOLEAN }));

function extensionOf(certificate: X509Certificate, oid: string): Element[] | undefined {
  const found = fieldsOf(certificate).find(([name]) => oidOf(name) === oid);
  return found && childrenOf(found.at(-1));
}

/** The fields of each extension. */
function fieldsOf({ raw }: X509Certificate): Element[][] {
  const [tbs] = childrenOf(elementsOf(raw)[0]);
  const extensions = childrenOf(tbs).find(({ tag }) => tag === EXTENSIONS);
  return childrenOf(childrenOf(extensions)[0]).map(childrenOf);
}

/**
 * The OIDs of the signature: the algorithm, and for RSASSA-PSS its hash, which is SHA-1 where none is given (RFC 4055 section
 * 3.1). Throws on data that is not DER.
 */
export function signatureOf({ raw }: X509Certificate): { algorithm: string; hash?: string } {
  const [, identifier] = childrenOf(elementsOf(raw)[0]);
  const [oid, parameters] = childrenOf(identifier);
  const algorithm = oidOf(oid);
  if (algorithm !== RSASSA_PSS) return { algorithm };
  const hash = childrenOf(parameters).find(({ tag }) => tag === PSS_HASH);
  return { algorithm, hash: hash === undefined ? SHA1 : oidOf(childrenOf(childrenOf(hash)[0])[0]) };
}

const childrenOf = (element: Element | undefined): Element[] => (element === undefined ? [] : elementsOf(element.body));

function elementsOf(der: Buffer): Element[] {
  const elements: Element[] = [];
  for (let at = 0; at < der.length; ) {
    const tag = der.readUInt8(at);
    const first = der.readUInt8(at + 1);
    const octets = first < 0x80 ? 0 : first & 0x7f;
    // readUIntBE throws for no octets (indefinite length, which is not DER) and for more than six
    const length = first < 0x80 ? first : der.readUIntBE(at + 2, octets);
    const start = at + 2 + octets;
    at = start + length;
    if (at > der.length) throw new RangeError('an element is longer than what holds it');
    elements.push({ tag, body: der.subarray(start, at) });
  }
  return elements;
}

/** Dotted form; an empty string for no OID. */
function oidOf(element: Element | undefined): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const octet of element?.body ?? []) {
    arc = arc * 128 + (octet & 0x7f);
    if (octet < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [first, ...rest] = arcs;
  if (first === undefined) return '';
  const root = Math.min(Math.floor(first / 40), 2); // the first two arcs share a number (X.690 section 8.19.4)
  return [root, first - root * 40, ...rest].join('.');
}
