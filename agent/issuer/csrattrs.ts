import type { AsnType } from 'asn1js';
import { Fault } from '../failure/failure.ts';
import { exchange, type HttpsRequest } from './exchange.ts';

/** Requirements of an EST server for a CSR (RFC 7030 section 4.5.2), in the words of `leaf.key_type` and of the RFCs. */
const NAMES: Readonly<Record<string, string>> = {
  '1.2.840.10045.2.1': 'an EC key',
  '1.2.840.10045.3.1.7': 'curve P-256 (leaf.key_type = "ec-p256")',
  '1.3.132.0.34': 'curve P-384 (leaf.key_type = "ec-p384")',
  '1.3.132.0.35': 'curve P-521',
  '1.2.840.113549.1.1.1': 'an RSA key (leaf.key_type = "rsa-2048" or larger)',
  '1.2.840.113549.1.1.11': 'a signature with RSA and SHA-256',
  '1.2.840.113549.1.1.12': 'a signature with RSA and SHA-384',
  '1.2.840.10045.4.3.2': 'a signature with ECDSA and SHA-256',
  '1.2.840.10045.4.3.3': 'a signature with ECDSA and SHA-384',
  '1.2.840.113549.1.9.7': 'challengePassword (proof of possession linked to TLS)',
  '1.2.840.113549.1.9.14': 'an extension request',
  '2.5.29.17': 'subjectAltName',
};

/**
 * The attributes and OIDs in the server's `CsrAttrs ::= SEQUENCE SIZE (0..MAX) OF AttrOrOID`, the attributes with their
 * values. Throws `Error` for anything else.
 */
async function attributesIn(der: Uint8Array): Promise<string[]> {
  const asn1 = await import('asn1js');
  const { offset, result } = asn1.fromBER(der);
  if (offset === -1 || !(result instanceof asn1.Sequence)) throw new Error('not a CsrAttrs');
  const identifiers = (node: AsnType): string[] => {
    if (node instanceof asn1.ObjectIdentifier) return [node.getValue()];
    return node instanceof asn1.Constructed ? node.valueBlock.value.flatMap(identifiers) : [];
  };
  return result.valueBlock.value.flatMap(identifiers).map((oid) => NAMES[oid] ?? oid);
}

/** A server that refuses a request may list under /csrattrs what the request lacks (RFC 7030 section 4.5). Never throws. */
export async function explained(error: unknown, request: HttpsRequest): Promise<unknown> {
  if (!(error instanceof Fault) || error.failure.code !== 'NL-EST-REFUSED') return error;
  const wanted = await wantedBy(request).catch(() => []);
  if (wanted.length === 0) return error;
  const { message, cause } = error.failure;
  return new Fault('NL-EST-REFUSED', { message: `${message} Its /csrattrs ask for: ${wanted.join(', ')}.`, cause });
}

async function wantedBy(request: HttpsRequest): Promise<string[]> {
  const { status, body } = await exchange(request);
  return status === 200 ? await attributesIn(Buffer.from(body.toString('latin1'), 'base64')) : [];
}
