import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import pkcs11js, { type Handle, type Template } from 'pkcs11js';
import { TokenError } from './ckr.ts';
import type { Session } from './session.ts';

const KEY_TYPES = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096'] as const;
export type KeyType = (typeof KEY_TYPES)[number];

/** The public half of a key pair in the token; `id` alone names the private half. */
export interface PublicKey {
  /** CKA_LABEL. */
  readonly label: string;
  /** CKA_ID in lower-case hex. */
  readonly id: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
  readonly keyType: KeyType;
}

interface Curve {
  readonly keyType: KeyType;
  readonly crv: string;
  /** CKA_EC_PARAMS: the curve's OID in DER. */
  readonly params: Buffer;
  readonly coordinate: number;
}

export const CURVES: readonly Curve[] = [
  { keyType: 'ec-p256', crv: 'P-256', params: Buffer.from('06082a8648ce3d030107', 'hex'), coordinate: 32 },
  { keyType: 'ec-p384', crv: 'P-384', params: Buffer.from('06052b81040022', 'hex'), coordinate: 48 },
];

/**
 * The public half of a private key: the public key object of the same CKA_ID, or else (a factory key may come without one) the
 * certificate of the same CKA_ID.
 * @throws TokenError KEY_WITHOUT_ID, PUBLIC_KEY_NOT_FOUND, KEY_TYPE_UNSUPPORTED
 */
export function publicHalf(session: Session, privateKey: Handle): PublicKey {
  const label = session.read(privateKey, pkcs11js.CKA_LABEL)?.toString() ?? '';
  const id = session.read(privateKey, pkcs11js.CKA_ID) ?? Buffer.alloc(0);
  if (id.length === 0) {
    const what = `The private key "${label}" has no CKA_ID, by which TLS would name it.`;
    throw new TokenError('key', 'KEY_WITHOUT_ID', what);
  }
  const sameId = { type: pkcs11js.CKA_ID, value: id };
  const [object] = session.find([{ type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY }, sameId]);
  const key = object === undefined ? certifiedKey(session, sameId, label) : publicKeyOf(session, object);
  if (key === undefined) {
    const beside = `the private key "${label}" (id ${id.toString('hex')})`;
    const what = `There is neither a public key nor a certificate beside ${beside}.`;
    throw new TokenError('key', 'PUBLIC_KEY_NOT_FOUND', what);
  }
  return { label, id: id.toString('hex'), spki: key.export({ type: 'spki', format: 'der' }), keyType: keyTypeOf(key) };
}

/** @throws TokenError PUBLIC_KEY_NOT_FOUND where the certificate cannot be read */
function certifiedKey(session: Session, sameId: Template[number], label: string): KeyObject | undefined {
  const [certificate] = session.find([{ type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_CERTIFICATE }, sameId]);
  const der = certificate === undefined ? undefined : session.read(certificate, pkcs11js.CKA_VALUE);
  try {
    return der && new X509Certificate(der).publicKey;
  } catch (error) {
    const what = `There is no public key beside the private key "${label}", and the certificate beside it is not readable.`;
    throw new TokenError('key', 'PUBLIC_KEY_NOT_FOUND', what, error);
  }
}

function publicKeyOf(session: Session, object: Handle): KeyObject | undefined {
  const point = session.read(object, pkcs11js.CKA_EC_POINT);
  const curve = CURVES.find(({ params }) => session.read(object, pkcs11js.CKA_EC_PARAMS)?.equals(params));
  if (point !== undefined && curve !== undefined) {
    // PKCS#11 v2.40 wraps the point in an OCTET STRING, older modules give it bare: both end with x and y.
    const [x, y] = [point.subarray(-2 * curve.coordinate, -curve.coordinate), point.subarray(-curve.coordinate)];
    return fromJwk({ kty: 'EC', crv: curve.crv, x: x.toString('base64url'), y: y.toString('base64url') });
  }
  const n = session.read(object, pkcs11js.CKA_MODULUS);
  const e = session.read(object, pkcs11js.CKA_PUBLIC_EXPONENT);
  if (n === undefined || e === undefined) return undefined;
  return fromJwk({ kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') });
}

const fromJwk = (key: Record<string, string>): KeyObject => createPublicKey({ key, format: 'jwk' });

function keyTypeOf(key: KeyObject): KeyType {
  const { namedCurve, modulusLength } = key.asymmetricKeyDetails ?? {};
  const name = { prime256v1: 'ec-p256', secp384r1: 'ec-p384' }[namedCurve ?? ''] ?? `rsa-${modulusLength}`;
  const keyType = KEY_TYPES.find((one) => one === name);
  if (keyType !== undefined) return keyType;
  const what = namedCurve ?? (modulusLength === undefined ? key.asymmetricKeyType : `RSA of ${modulusLength} bits`);
  throw new TokenError('key', 'KEY_TYPE_UNSUPPORTED', `Keys of this kind are not supported: ${what}.`);
}
