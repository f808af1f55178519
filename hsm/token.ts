import pkcs11js, { type Handle, type PKCS11 } from 'pkcs11js';
import { TokenError, tokenError } from './ckr.ts';
import { knowModule, makesKeysHere } from './key-pair.ts';
import { knownToken } from './known-token.ts';
import { findSlot, loadModule, mild, type TokenSlot } from './module.ts';
import { PinRecord } from './pin-record.ts';
import { type AroundCalls, Session } from './session.ts';
import { withCopy } from './token-copy.ts';
import { TokenObjects } from './token-objects.ts';
import type { TokenName } from './uri.ts';

export type { Generation } from './token-objects.ts';

/** An open token. */
export interface Token extends Pick<TokenObjects, keyof TokenObjects> {
  /** Notes that its PIN was refused to OpenSSL, as at a login here. @returns what to tell of it */
  noted(refusal: TokenError): Promise<TokenError>;
}

export interface TokenOptions {
  readonly module: string;
  readonly token: string | undefined;
  /** The token by RFC 7512; with neither label nor URI the module must have exactly one token. */
  readonly uri: string | undefined;
  readonly pin: string;
  /** The state directory: it remembers a refused PIN, and the token that has worked, which goes before others that match. */
  readonly notes?: string | undefined;
  /** Does each piece of later work. */
  readonly watched?: AroundCalls;
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
    const mine = new Session(module, session, options.watched);
    const { manufacturerID } = module.C_GetInfo();
    knowModule(mine, manufacturerID);
    const noted = (refusal: TokenError) => notedIn(options, calledOf(found.name), refusal);
    return Object.assign(new TokenObjects(found.name, mine, found.doubt, makesKeysHere(manufacturerID)), { noted });
  } catch (error) {
    throw tokenError(error, 'opening', 'Opening the token');
  }
}

const calledOf = ({ label, serial }: TokenName): string => `${label} (serial ${serial})`;

/** @returns the refusal, or one that says why a later process will not know it */
async function notedIn({ pin, notes }: TokenOptions, called: string, refusal: TokenError): Promise<TokenError> {
  const { kind, code, message } = refusal;
  try {
    if (notes !== undefined) await new PinRecord(notes).refused(pin, called, code);
    return refusal;
  } catch (why) {
    return new TokenError(kind, code, `${message}. This could not be noted: ${why}`, refusal);
  }
}

const BY_PERSON =
  'Log in with the right PIN once, by the tool of the vendor, and put that PIN into `/etc/newleaf/pin` (or hsm.pin_file). Then `systemctl restart newleaf`.';

async function login(module: PKCS11, session: Handle, { name, info }: TokenSlot, options: TokenOptions) {
  const { pin, notes } = options;
  const pinRecord = notes === undefined ? undefined : new PinRecord(notes);
  const called = calledOf(name);
  const says = (flag: number) => (info.flags & flag) !== 0;
  if (says(pkcs11js.CKF_USER_PIN_LOCKED)) {
    throw new TokenError('pin-locked', 'CKR_PIN_LOCKED', `The PIN of token ${called} is locked.`);
  }
  if (says(pkcs11js.CKF_USER_PIN_FINAL_TRY)) {
    const what = `One wrong PIN more, and the PIN of token ${called} is locked: newleaf does not try any.`;
    throw new TokenError('pin', 'PIN_LAST_TRY', what, undefined, BY_PERSON);
  }
  // "An incorrect user login PIN has been entered at least once since the last successful authentication" (PKCS#11 v2.40
  // section 3.2): each start would try the same PIN. Of a token that does not say so a full disk must not cost the session: nothing
  // starts newleaf again by itself after it was refused a PIN.
  if (says(pkcs11js.CKF_USER_PIN_COUNT_LOW)) await pinRecord?.assertRoom(called);
  await pinRecord?.assertNotRefused(pin, called);
  try {
    const once = () => mild(pkcs11js.CKR_USER_ALREADY_LOGGED_IN, () => module.C_Login(session, pkcs11js.CKU_USER, pin));
    withCopy(name, once);
  } catch (error) {
    throw await notedIn(options, called, tokenError(error, 'opening', `Logging in to token ${called}`));
  }
  await pinRecord?.clear(called);
}
