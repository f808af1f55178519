import { createHash, createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import pkcs11js, { type Template } from 'pkcs11js';
import { TokenError } from './ckr.ts';
import { CURVES } from './public-key.ts';

const unsupported = (what = 'unknown'): TokenError =>
  new TokenError('key', 'KEY_TYPE_UNSUPPORTED', `Keys of this kind are not supported: ${what}.`);

/**
 * A private key as the token gets it, and as its leaf names it: with the name of its curve and a whole point. A file may have
 * the parameters of the curve, or a compressed point, and then its public half has other bytes than that of the leaf.
 * @throws TokenError KEY_TYPE_UNSUPPORTED
 */
export function importable(key: KeyObject): KeyObject {
  const { asymmetricKeyType: type } = key;
  if (type !== 'rsa' && type !== 'ec') throw unsupported(type);
  const jwk = jwkOf(key);
  if (type === 'ec') curveOf(jwk);
  return createPrivateKey({ key: jwk, format: 'jwk' });
}

function jwkOf(key: KeyObject): JsonWebKey {
  try {
    return key.export({ format: 'jwk' });
  } catch {
    throw unsupported(key.asymmetricKeyDetails?.namedCurve ?? 'a curve without a name');
  }
}

function curveOf({ crv }: JsonWebKey) {
  const curve = CURVES.find((one) => one.crv === crv);
  if (curve === undefined) throw unsupported(crv);
  return curve;
}

/**
 * The CKA_ID of a key that came from a file. The same key has the same one, so an import that was cut off is repeated, and a
 * handle that is kept by this id never means another key.
 * @param key the private or the public half
 */
export function importedId(key: KeyObject): string {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  return createHash('sha256')
    .update(half.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 32);
}

/** Both halves of a key from a file: from now on it can only sign, and does not leave the token. @throws TokenError */
export function importedPair(label: string, key: KeyObject): { readonly public: Template; readonly private: Template } {
  const name = [
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_ID, value: Buffer.from(importedId(key), 'hex') },
    { type: pkcs11js.CKA_LABEL, value: label },
  ];
  const halves = key.asymmetricKeyType === 'rsa' ? rsa(key) : ec(key);
  return {
    public: [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PUBLIC_KEY },
      ...name,
      { type: pkcs11js.CKA_PRIVATE, value: false },
      { type: pkcs11js.CKA_VERIFY, value: true },
      ...halves.public,
    ],
    private: [
      { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
      ...name,
      { type: pkcs11js.CKA_PRIVATE, value: true },
      { type: pkcs11js.CKA_SIGN, value: true },
      { type: pkcs11js.CKA_SENSITIVE, value: true },
      { type: pkcs11js.CKA_EXTRACTABLE, value: false },
      ...halves.private,
    ],
  };
}

const bytes = (base64url = ''): Buffer => Buffer.from(base64url, 'base64url');

function ec(key: KeyObject) {
  const jwk = jwkOf(key);
  const { x, y, d } = jwk;
  const kind = [
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_EC },
    { type: pkcs11js.CKA_EC_PARAMS, value: curveOf(jwk).params },
  ];
  const point = Buffer.concat([Buffer.from([4]), bytes(x), bytes(y)]);
  // "DER-encoding of ANSI X9.62 ECPoint value Q" (PKCS#11 v2.40 section 2.3.3): an OCTET STRING.
  const wrapped = Buffer.concat([Buffer.from([4, point.length]), point]);
  return {
    public: [...kind, { type: pkcs11js.CKA_EC_POINT, value: wrapped }],
    private: [...kind, { type: pkcs11js.CKA_VALUE, value: bytes(d) }],
  };
}

function rsa(key: KeyObject) {
  const { n, e, d, p, q, dp, dq, qi } = key.export({ format: 'jwk' });
  const kind = [
    { type: pkcs11js.CKA_KEY_TYPE, value: pkcs11js.CKK_RSA },
    { type: pkcs11js.CKA_MODULUS, value: bytes(n) },
    { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: bytes(e) },
  ];
  const secret = [
    { type: pkcs11js.CKA_PRIVATE_EXPONENT, value: bytes(d) },
    { type: pkcs11js.CKA_PRIME_1, value: bytes(p) },
    { type: pkcs11js.CKA_PRIME_2, value: bytes(q) },
    { type: pkcs11js.CKA_EXPONENT_1, value: bytes(dp) },
    { type: pkcs11js.CKA_EXPONENT_2, value: bytes(dq) },
    { type: pkcs11js.CKA_COEFFICIENT, value: bytes(qi) },
  ];
  return { public: kind, private: [...kind, ...secret] };
}
