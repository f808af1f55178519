import pkcs11js, { type Handle, type PKCS11 } from 'pkcs11js';
import { TokenError, tokenError } from './ckr.ts';
import { knowModule, makesKeysHere } from './key-pair.ts';
import { knownToken } from './known-token.ts';
import { findSlot, loadModule, mild, type TokenSlot } from './module.ts';
import { PinRecord } from './pin-record.ts';
import { Session } from './session.ts';
import { withCopy } from './token-copy.ts';
import { type Token, TokenObjects } from './token-objects.ts';

export type { Generation, Token } from './token-objects.ts';

export interface TokenOptions {
  readonly module: string;
  readonly token: string | undefined;
  /** The token by RFC 7512; with neither label nor URI the module must have exactly one token. */
  readonly uri: string | undefined;
  readonly pin: string;
  /** The state directory: it remembers a refused PIN, and the token that has worked, which goes before others that match. */
  readonly notes?: string | undefined;
}

/**
 * Opens the one token that matches: one read-write session, one login. It is never closed, logged out or finalised:
 * the engine of OpenSSL shares the module, and C_Logout kills every later handshake of this process.
 * @throws TokenError MODULE_NOT_LOADED, TOKEN_NOT_FOUND, TOKEN_AMBIGUOUS, PIN_REFUSED_BEFORE, CKR_PIN_INCORRECT, …
 */
export async function openToken(options: TokenOptions): Promise<Token> {
  try {
    const module = loadModule(options.module);
    const known = options.notes === undefined ? undefined : await knownToken(options.notes);
    const found = findSlot(module, options.token, options.uri, known);
    const session = module.C_OpenSession(found.slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    if ((found.info.flags & pkcs11js.CKF_LOGIN_REQUIRED) !== 0) await login(module, session, found, options);
    const mine = new Session(module, session);
    const { manufacturerID } = module.C_GetInfo();
    knowModule(mine, manufacturerID);
    return new TokenObjects(found.name, mine, found.doubt, makesKeysHere(manufacturerID));
  } catch (error) {
    throw tokenError(error, 'opening', 'Opening the token');
  }
}

async function login(module: PKCS11, session: Handle, { name, info }: TokenSlot, options: TokenOptions) {
  const { pin, notes } = options;
  const pinRecord = notes === undefined ? undefined : new PinRecord(notes);
  const called = `${name.label} (serial ${name.serial})`;
  if ((info.flags & pkcs11js.CKF_USER_PIN_LOCKED) !== 0) {
    throw new TokenError('pin-locked', 'CKR_PIN_LOCKED', `The PIN of token ${called} is locked.`);
  }
  await pinRecord?.assertNotRefused(pin, called);
  try {
    const once = () => mild(pkcs11js.CKR_USER_ALREADY_LOGGED_IN, () => module.C_Login(session, pkcs11js.CKU_USER, pin));
    withCopy(name, once);
  } catch (error) {
    const refusal = tokenError(error, 'opening', `Logging in to token ${called}`);
    await pinRecord?.refused(pin, called, refusal.code).catch((why: unknown) => {
      throw new TokenError(refusal.kind, refusal.code, `${refusal.message}. This could not be noted: ${why}`, refusal);
    });
    throw refusal;
  }
  await pinRecord?.clear(called);
}
