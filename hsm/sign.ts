import { createHash } from 'node:crypto';
import pkcs11js, { type Handle } from 'pkcs11js';
import { sequence, unsigned } from './der.ts';
import type { KeyType } from './public-key.ts';
import type { Session } from './session.ts';

/** DigestInfo of SHA-256 up to the digest itself (RFC 8017 section 9.2, note 1). */
const SHA256_INFO = Buffer.from('3031300d060960864801650304020105000420', 'hex');

/** The digest that goes with a key: SHA-384 for P-384, else SHA-256. */
export const digestOf = (keyType: KeyType): 'sha256' | 'sha384' => (keyType === 'ec-p384' ? 'sha384' : 'sha256');

/**
 * Signs a message: ECDSA in DER (RFC 3279 section 2.2.3), or RSA PKCS#1 v1.5. The digest is made here and the raw mechanism
 * signs it, because all modules have that one: SoftHSM 2.6.1 lacks CKM_ECDSA_SHA256, for one.
 */
export async function sign(session: Session, key: Handle, keyType: KeyType, message: Uint8Array): Promise<Buffer> {
  const digest = createHash(digestOf(keyType)).update(message).digest();
  if (keyType.startsWith('rsa')) {
    return session.sign({ mechanism: pkcs11js.CKM_RSA_PKCS }, key, Buffer.concat([SHA256_INFO, digest]));
  }
  const raw = await session.sign({ mechanism: pkcs11js.CKM_ECDSA }, key, digest);
  const half = raw.length / 2;
  return sequence(unsigned(raw.subarray(0, half)), unsigned(raw.subarray(half)));
}
