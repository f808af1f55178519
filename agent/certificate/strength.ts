import type { KeyObject, X509Certificate } from 'node:crypto';
import { Fault } from '../failure/failure.ts';
import { signatureOf } from './der.ts';
import { named } from './name.ts';

const RSA_BITS = 2048;
const CURVES = new Map([
  ['prime256v1', 'P-256'],
  ['secp384r1', 'P-384'],
  ['secp521r1', 'P-521'],
]);
const STRONG_SIGNATURES = new Set([
  '1.2.840.113549.1.1.11', // sha256WithRSAEncryption
  '1.2.840.113549.1.1.12', // sha384WithRSAEncryption
  '1.2.840.113549.1.1.13', // sha512WithRSAEncryption
  '1.2.840.10045.4.3.2', // ecdsa-with-SHA256
  '1.2.840.10045.4.3.3', // ecdsa-with-SHA384
  '1.2.840.10045.4.3.4', // ecdsa-with-SHA512
]);
const RSASSA_PSS = '1.2.840.113549.1.1.10';
const STRONG_HASHES = new Set(['2.16.840.1.101.3.4.2.1', '2.16.840.1.101.3.4.2.2', '2.16.840.1.101.3.4.2.3']);
/** Weak algorithms still in the field, by name; any other OID is printed as it is. */
const WEAK_NAMES = new Map([
  ['1.2.840.113549.1.1.4', 'md5WithRSAEncryption'],
  ['1.2.840.113549.1.1.5', 'sha1WithRSAEncryption'],
  ['1.2.840.10045.4.1', 'ecdsa-with-SHA1'],
  ['1.3.14.3.2.26', 'SHA-1'],
]);

/** Refuses a key that is weak, or that no Azure endpoint accepts (`Fault` NL-LEAF-WEAK). */
export function demandStrongKey(certificate: X509Certificate): void {
  const { publicKey } = certificate;
  const { modulusLength = 0, namedCurve = '' } = publicKey.asymmetricKeyDetails ?? {};
  const strong = isRsa(publicKey) ? modulusLength >= RSA_BITS : CURVES.has(namedCurve);
  if (strong) return;
  const message = `Expected an RSA key of ${RSA_BITS} bits or more, or EC on P-256, P-384 or P-521; the key of ${named(certificate)} is ${kindOf(publicKey)}.`;
  throw new Fault('NL-LEAF-WEAK', { message });
}

/** Refuses a signature by SHA-1, MD5 or anything else below SHA-256 (`Fault` NL-LEAF-WEAK). */
export function demandStrongSignature(certificate: X509Certificate): void {
  const { algorithm, hash } = signatureOf(certificate);
  const strong = STRONG_SIGNATURES.has(algorithm) || (algorithm === RSASSA_PSS && STRONG_HASHES.has(hash ?? ''));
  if (strong) return;
  const delivered = hash ?? algorithm;
  const message = `Expected a signature with SHA-256 or better; ${named(certificate)} is signed with ${WEAK_NAMES.get(delivered) ?? delivered}.`;
  throw new Fault('NL-LEAF-WEAK', { message });
}

export function kindOf(key: KeyObject): string {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (isRsa(key)) return `RSA ${modulusLength}`;
  return namedCurve === undefined ? `${key.asymmetricKeyType}` : `EC ${CURVES.get(namedCurve) ?? namedCurve}`;
}

const isRsa = ({ asymmetricKeyType }: KeyObject): boolean =>
  asymmetricKeyType === 'rsa' || asymmetricKeyType === 'rsa-pss';
