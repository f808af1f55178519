import pkcs11js, { type Handle, type PKCS11 } from 'pkcs11js';
import { TokenError, tokenError } from './ckr.ts';
import { knowModule, type Protection } from './key-pair.ts';
import { findSlot, loadModule, mild, type TokenName, type TokenSlot } from './module.ts';
import type { PinRecord } from './pin-record.ts';
import type { KeyType, PublicKey } from './public-key.ts';
import { Session } from './session.ts';
import { TokenObjects } from './token-objects.ts';

export interface TokenOptions {
  /** Path of the PKCS#11 module. */
  readonly module: string;
  /** Label of the token. */
  readonly token: string | undefined;
  /** The token by RFC 7512; with neither label nor URI the module must have exactly one token. */
  readonly uri: string | undefined;
  readonly pin: string;
  /** Remembers a refused PIN across restarts. */
  readonly pinRecord?: PinRecord;
}

/** What has one label and one CKA_ID: a key pair with its certificate, or what a power cut has left of one. */
export interface Generation {
  /** CKA_ID in lower-case hex; a module may show objects that have none. */
  readonly id: string;
  /** Of its private key, where it has one. */
  readonly protection?: Protection;
}

/** An open token. Every method throws TokenError; calls may overlap, and run one after the other. */
export interface Token {
  readonly name: TokenName;
  /**
   * Makes a key pair with this CKA_ID (hex), which the caller has written down before: after a power cut it is known by it.
   * It MUST be random and never used before, so that a handle which OpenSSL or libp11 keeps by id can never mean another key.
   * The public half of an attempt that a power cut has ended is removed.
   * @throws TokenError LABEL_OCCUPIED when the label has something with another CKA_ID, or a private key has the CKA_ID: neither
   * is touched; KEY_TYPE_UNKNOWN; KEY_NOT_PROTECTED (and destroys the new pair) when the token does not vouch that the key was
   * never readable
   */
  generate(label: string, keyType: KeyType, id: string): Promise<PublicKey>;
  /** The key pair whose private half has this label. @throws TokenError KEY_AMBIGUOUS when there are several */
  find(label: string): Promise<PublicKey | undefined>;
  /** Everything with this label; what belongs to a private key with another label is left out. */
  generations(label: string): Promise<readonly Generation[]>;
  /** The key pair with this CKA_ID (hex). @throws TokenError KEY_AMBIGUOUS when there are several; KEY_VANISHED */
  findById(id: string): Promise<PublicKey | undefined>;
  /** The key pair that the URI names. @throws TokenError KEY_NOT_FOUND, KEY_AMBIGUOUS, KEY_ALWAYS_AUTHENTICATES */
  findByUri(uri: string): Promise<PublicKey>;
  /** ECDSA in DER or RSA PKCS#1 v1.5; over SHA-384 for P-384, else SHA-256. @throws TokenError KEY_NOT_FOUND, KEY_VANISHED */
  sign(key: PublicKey, message: Uint8Array): Promise<Buffer>;
  /** Stores the certificate (DER) beside its key, in place of any other with the same CKA_ID; again is success. */
  storeCertificate(key: PublicKey, der: Buffer): Promise<void>;
  /** The certificates (DER) with this CKA_ID (hex). */
  certificates(id: string): Promise<readonly Buffer[]>;
  /**
   * Destroys certificate, public and private key that have exactly this label and CKA_ID; absent is success.
   * On tpm2-pkcs11 1.9.1 this must be the last thing that a process asks of the token: see destroy.ts.
   * @throws TokenError LABEL_AND_ID_REQUIRED
   */
  destroy(label: string, id: string): Promise<void>;
  /**
   * Takes note that another process has destroyed the key with this CKA_ID (hex). tpm2-pkcs11 1.9.1 reads its store
   * once, and goes on to show the key to this process: the label would count as occupied until a restart.
   */
  forget(id: string): void;
  /** How the private key is protected, in the token's words. @throws TokenError KEY_NOT_FOUND */
  describe(key: PublicKey): Promise<Protection>;
}

/**
 * Opens the one token that matches: one read-write session, one login. It is never closed, logged out or finalised:
 * the engine of OpenSSL shares the module, and C_Logout kills every later handshake of this process.
 * @throws TokenError MODULE_NOT_LOADED, TOKEN_NOT_FOUND, TOKEN_AMBIGUOUS, PIN_REFUSED_BEFORE, CKR_PIN_INCORRECT, …
 */
export async function openToken(options: TokenOptions): Promise<Token> {
  try {
    const module = loadModule(options.module);
    const found = findSlot(module, options.token, options.uri);
    const session = module.C_OpenSession(found.slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    if ((found.flags & pkcs11js.CKF_LOGIN_REQUIRED) !== 0) await login(module, session, found, options);
    const mine = new Session(module, session);
    knowModule(mine, module.C_GetInfo().manufacturerID);
    return new TokenObjects(found.name, mine);
  } catch (error) {
    throw tokenError(error, 'opening', 'Opening the token');
  }
}

async function login(module: PKCS11, session: Handle, { name, flags }: TokenSlot, options: TokenOptions) {
  const { pin, pinRecord } = options;
  const called = `${name.label} (serial ${name.serial})`;
  if ((flags & pkcs11js.CKF_USER_PIN_LOCKED) !== 0) {
    throw new TokenError('pin-locked', 'CKR_PIN_LOCKED', `The PIN of token ${called} is locked.`);
  }
  await pinRecord?.assertNotRefused(pin, called);
  try {
    mild(pkcs11js.CKR_USER_ALREADY_LOGGED_IN, () => module.C_Login(session, pkcs11js.CKU_USER, pin));
  } catch (error) {
    const refusal = tokenError(error, 'opening', `Logging in to token ${called}`);
    await pinRecord?.refused(pin, called, refusal.code).catch((why: unknown) => {
      throw new TokenError(refusal.kind, refusal.code, `${refusal.message}. This could not be noted: ${why}`, refusal);
    });
    throw refusal;
  }
  await pinRecord?.clear(called);
}
