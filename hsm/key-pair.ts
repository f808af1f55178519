import pkcs11js, { type Handle, type KeyPair, type Template } from 'pkcs11js';
import { ckrName, ckrOf, TokenError } from './ckr.ts';
import { CURVES, type KeyType } from './public-key.ts';
import type { Session } from './session.ts';

/** The protection of a private key, in the token's words; undefined where the token says nothing. */
export interface Protection {
  readonly sensitive: boolean | undefined;
  readonly extractable: boolean | undefined;
  readonly alwaysSensitive: boolean | undefined;
  readonly neverExtractable: boolean | undefined;
  /** The key was made in this token. */
  readonly local: boolean | undefined;
}

const RSA_BITS: Readonly<Record<string, number>> = { 'rsa-2048': 2048, 'rsa-3072': 3072, 'rsa-4096': 4096 };
const F4 = Buffer.from([1, 0, 1]);

/** Makes a key pair that can only sign, and never leaves the token. @throws TokenError KEY_TYPE_UNKNOWN */
export async function generateKeyPair(session: Session, label: string, id: Buffer, keyType: KeyType): Promise<Handle> {
  const curve = CURVES.find((one) => one.keyType === keyType);
  const mechanism = curve === undefined ? pkcs11js.CKM_RSA_PKCS_KEY_PAIR_GEN : pkcs11js.CKM_EC_KEY_PAIR_GEN;
  const name = [
    { type: pkcs11js.CKA_TOKEN, value: true },
    { type: pkcs11js.CKA_ID, value: id },
    { type: pkcs11js.CKA_LABEL, value: label },
  ];
  const modulus = { type: pkcs11js.CKA_MODULUS_BITS, value: RSA_BITS[keyType] ?? 0 };
  const rsa: Template = [modulus, { type: pkcs11js.CKA_PUBLIC_EXPONENT, value: F4 }];
  const size = curve === undefined ? rsa : [{ type: pkcs11js.CKA_EC_PARAMS, value: curve.params }];
  const publicKey: Template = [
    ...name,
    { type: pkcs11js.CKA_PRIVATE, value: false },
    { type: pkcs11js.CKA_VERIFY, value: true },
    ...size,
  ];
  const privateKey: Template = [
    ...name,
    { type: pkcs11js.CKA_PRIVATE, value: true },
    { type: pkcs11js.CKA_SIGN, value: true },
    { type: pkcs11js.CKA_SENSITIVE, value: true },
    { type: pkcs11js.CKA_EXTRACTABLE, value: false },
  ];
  try {
    return (await ask(session, mechanism, publicKey, privateKey)).privateKey;
  } catch (error) {
    const code = ckrName(ckrOf(error) ?? 0);
    if (!NOT_MADE.has(code)) throw error;
    const message = `The token does not make keys of type ${keyType} (${code}).`;
    throw new TokenError('failed', 'KEY_TYPE_UNKNOWN', message, error);
  }
}

/** Answers of modules that do not make such keys; tpm2-pkcs11 1.9.1 gives the first, for RSA with 4096 bits. */
const NOT_MADE = new Set([
  'CKR_ATTRIBUTE_VALUE_INVALID',
  'CKR_CURVE_NOT_SUPPORTED',
  'CKR_DOMAIN_PARAMS_INVALID',
  'CKR_KEY_SIZE_RANGE',
  'CKR_MECHANISM_INVALID',
]);

/** Asks for a key that can only sign; where the module refuses those attributes, for one that can sign. */
async function ask(session: Session, mechanism: number, publicKey: Template, privateKey: Template): Promise<KeyPair> {
  if (takesShortOnly.has(session)) return session.generate(mechanism, publicKey, privateKey);
  const denying = () =>
    session.generate(mechanism, [...publicKey, ...NOTHING_ELSE.public], [...privateKey, ...NOTHING_ELSE.private]);
  try {
    return await denying().catch((error: unknown) => {
      // It may mean anything: the answer to the second request is about the key itself.
      if (ckrOf(error) === pkcs11js.CKR_GENERAL_ERROR) return denying();
      throw error;
    });
  } catch (error) {
    if (!UNWILLING.test(ckrName(ckrOf(error) ?? 0))) throw error;
  }
  const made = await session.generate(mechanism, publicKey, privateKey);
  takesShortOnly.add(session);
  return made;
}

/**
 * SoftHSM 2.6.1 adds decrypt, unwrap and signRecover unless told not to, NSS 3.110 derive; other modules refuse these
 * attributes. Once a module has made a key without them, they are not tried again.
 */
const UNWILLING = /^CKR_(TEMPLATE_|ATTRIBUTE_|GENERAL_ERROR)/;
const takesShortOnly = new WeakSet<Session>();

/**
 * tpm2-pkcs11 1.9.1 refuses by CKR_GENERAL_ERROR ("User specified and TPM specified attr mismatch"), and each refusal leaves
 * an object in the TPM until the process ends. There is room for 27: hourly attempts on a full store would use it up before
 * the store has room again.
 * @param manufacturer of the module (CK_INFO)
 */
export function knowModule(session: Session, manufacturer: string): void {
  if (isOfTpm2(manufacturer)) takesShortOnly.add(session);
}

/** @param manufacturer of the module (CK_INFO) */
const isOfTpm2 = (manufacturer: string): boolean => manufacturer.startsWith('tpm2-software');

/**
 * Whether the process that uses a key must make it, and no job.
 * - tpm2-pkcs11 1.9.1 reads its store once, at C_Initialize: a key that another process makes later stays invisible to this one and
 *   to its TLS, until a restart. The TPM does one thing at a time anyway.
 * - opencryptoki 3.23 ("IBM") gives the key of another process the handle of a destroyed one, which libp11 keeps (tls.ts): with keys
 *   of a job newleaf restarted itself after every second roll, with its own after every fourth.
 * @param manufacturer of the module (CK_INFO)
 */
export const makesKeysHere = (manufacturer: string): boolean =>
  isOfTpm2(manufacturer) || manufacturer.startsWith('IBM');

const denied = (types: readonly number[]): Template => types.map((type) => ({ type, value: false }));
const NOTHING_ELSE = {
  public: denied([pkcs11js.CKA_ENCRYPT, pkcs11js.CKA_WRAP, pkcs11js.CKA_VERIFY_RECOVER]),
  private: denied([pkcs11js.CKA_DECRYPT, pkcs11js.CKA_UNWRAP, pkcs11js.CKA_SIGN_RECOVER, pkcs11js.CKA_DERIVE]),
};

/** The token vouches that the key was never readable. */
export const isProtected = ({ sensitive, extractable, neverExtractable }: Protection): boolean =>
  sensitive === true && extractable === false && neverExtractable === true;

/** Reads how a private key is protected. NEVER_EXTRACTABLE and ALWAYS_SENSITIVE are the token's word for its whole life. */
export function protectionOf(session: Session, privateKey: Handle): Protection {
  return {
    sensitive: session.flag(privateKey, pkcs11js.CKA_SENSITIVE),
    extractable: session.flag(privateKey, pkcs11js.CKA_EXTRACTABLE),
    alwaysSensitive: session.flag(privateKey, pkcs11js.CKA_ALWAYS_SENSITIVE),
    neverExtractable: session.flag(privateKey, pkcs11js.CKA_NEVER_EXTRACTABLE),
    local: session.flag(privateKey, pkcs11js.CKA_LOCAL),
  };
}

/**
 * The token's own doubts about a key that it has just made, though it protects the key now; empty where it has none. Only a
 * warning: NSS 3.110 says CKA_LOCAL false of keys that it has made itself.
 */
export function doubtsOf({ alwaysSensitive, local }: Protection): readonly string[] {
  return [
    ...(alwaysSensitive === false ? ['it was readable once (CKA_ALWAYS_SENSITIVE is false)'] : []),
    ...(local === false ? ['it was not made in the token (CKA_LOCAL is false)'] : []),
  ];
}
