import { createPublicKey, verify } from 'node:crypto';
import { TokenError } from './ckr.ts';
import { bits, distinguishedName, elements, extension, oid, pem, sequence, set, tlv } from './der.ts';
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

const LABEL = 'CERTIFICATE REQUEST';

/** The part that is signed. */
const requestOf = (commonName: string, { spki }: PublicKey): Buffer =>
  sequence(VERSION_0, distinguishedName(commonName), spki, tlv(0xa0, CLIENT_ONLY));

const whole = (request: Buffer, { keyType }: PublicKey, signature: Uint8Array): string =>
  pem(LABEL, sequence(request, algorithm(keyType), bits(signature)));

/**
 * A certification request (PKCS#10, RFC 2986) for a TLS client, in PEM. The DER is written by hand: the libraries that
 * do it cost 7 to 19 MiB of memory and want a private key object, where we have a token.
 * @param sign signs with the private half of `key`, as Token.sign does
 * @throws TokenError SIGNATURE_WRONG: an issuer would refuse the request, for ever
 */
export async function csr(
  commonName: string,
  key: PublicKey,
  sign: (message: Buffer) => Promise<Uint8Array>,
): Promise<string> {
  const request = requestOf(commonName, key);
  const signature = await sign(request);
  if (isSignature(request, key, signature)) return whole(request, key, signature);
  const what = `The signature that the token has made with the key "${key.label}" is not of its public key.`;
  throw new TokenError('failed', 'SIGNATURE_WRONG', what);
}

/** Whether this is a request as `csr` makes it, to the last byte: of this name, of this key, and signed by it. */
export function isCsr(text: string, commonName: string, key: PublicKey): boolean {
  const request = requestOf(commonName, key);
  try {
    const der = Buffer.from(text.replaceAll(/-----[^-]*-----/g, ''), 'base64');
    const signature = elements(elements(der)[0]?.content ?? der)[2]?.content.subarray(1) ?? der;
    return whole(request, key, signature) === text && isSignature(request, key, signature);
  } catch {
    return false;
  }
}

function isSignature(message: Buffer, { spki, keyType }: PublicKey, signature: Uint8Array): boolean {
  return verify(digestOf(keyType), message, createPublicKey({ key: spki, format: 'der', type: 'spki' }), signature);
}
