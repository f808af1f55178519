import { bits, distinguishedName, extension, oid, pem, sequence, set, tlv } from './der.ts';
import type { KeyType, PublicKey } from './public-key.ts';
import { digestOf } from './sign.ts';

const VERSION_0 = Buffer.from([2, 1, 0]);
const NULL = Buffer.from([5, 0]);
/** KeyUsage with the one bit digitalSignature (RFC 5280 section 4.2.1.3). */
const DIGITAL_SIGNATURE = Buffer.from([3, 2, 7, 0x80]);

const CLIENT_ONLY = sequence(
  oid('1.2.840.113549.1.9.14'), // extensionRequest
  set(
    sequence(
      extension('2.5.29.15', true, DIGITAL_SIGNATURE), // keyUsage
      extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.2'))), // extKeyUsage: clientAuth
    ),
  ),
);

/** AlgorithmIdentifier of the signature (RFC 5758 section 3.2, RFC 4055 section 5). */
function algorithm(keyType: KeyType): Buffer {
  if (keyType.startsWith('rsa')) return sequence(oid('1.2.840.113549.1.1.11'), NULL);
  return sequence(oid(digestOf(keyType) === 'sha384' ? '1.2.840.10045.4.3.3' : '1.2.840.10045.4.3.2'));
}

/**
 * A certification request (PKCS#10, RFC 2986) for a TLS client, in PEM. The DER is written by hand: the libraries that
 * do it cost 7 to 19 MiB of memory and want a private key object, where we have a token.
 * @param sign signs with the private half of `key`, as Token.sign does
 */
export async function csr(
  commonName: string,
  key: PublicKey,
  sign: (message: Buffer) => Promise<Uint8Array>,
): Promise<string> {
  const request = sequence(VERSION_0, distinguishedName(commonName), key.spki, tlv(0xa0, CLIENT_ONLY));
  return pem('CERTIFICATE REQUEST', sequence(request, algorithm(key.keyType), bits(await sign(request))));
}
