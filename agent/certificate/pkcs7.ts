import type { AsnType } from 'asn1js';

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const CONTEXT_SPECIFIC = 3;

/**
 * The certificates of a PKCS#7 "certs-only" message, as DER, in the order given (RFC 5652 section 5.1, RFC 7030 section
 * 4.2.3). Signatures, CRLs and certificates of other kinds are ignored: a degenerate SignedData proves nothing, and its
 * content is verified later. Reads BER with indefinite lengths too, which Bouncy Castle (EJBCA) writes. Throws `Error` for
 * anything else.
 *
 * The library is imported here and not above: a daemon that enrolls once a year need not keep it.
 */
export async function certificatesIn(pkcs7: Uint8Array): Promise<Buffer[]> {
  const asn1 = await import('asn1js');
  const { offset, result } = asn1.fromBER(pkcs7);
  if (offset === -1) throw new Error(`not BER: ${result.error}`);

  const members = (node: AsnType | undefined): readonly AsnType[] =>
    node instanceof asn1.Constructed ? node.valueBlock.value : [];
  const [contentType, content] = members(result);
  if (!(contentType instanceof asn1.ObjectIdentifier) || contentType.getValue() !== SIGNED_DATA) {
    throw new Error('not a PKCS#7 SignedData');
  }
  // "certificates [0] IMPLICIT CertificateSet OPTIONAL"
  const set = members(members(content)[0]).find(
    ({ idBlock }) => idBlock.tagClass === CONTEXT_SPECIFIC && idBlock.tagNumber === 0,
  );
  // CertificateChoices: a Certificate is the only one without a context-specific tag
  return members(set)
    .filter((choice) => choice instanceof asn1.Sequence)
    .map((certificate) => Buffer.from(certificate.valueBeforeDecodeView));
}
