import pkcs11js, { type Handle, type PKCS11 } from 'pkcs11js';
import { TokenError, tokenError } from './ckr.ts';
import { loadModule, tokenName } from './module.ts';

export interface NewToken {
  readonly module: string;
  /** 1 to 32 bytes. */
  readonly label: string;
  readonly pin: string;
  /** PIN of the security officer, who alone can set a new user PIN. */
  readonly soPin: string;
}

/**
 * Makes a token in the first slot that is not initialised: SoftHSM 2.6.1 and tpm2-pkcs11 1.9.1 always have one. An initialised
 * token is never initialised again: that would wipe its keys. One that a power cut left without a user PIN, with this label
 * and this SO PIN, is completed. To be called in a process of its own, which ends after it.
 * @throws TokenError NO_FREE_SLOT, TOKEN_EXISTS, or the module's error
 */
export function makeToken({ module: path, label, pin, soPin }: NewToken): void {
  try {
    const module = loadModule(path);
    setPin(module, unfinished(module, label) ?? initialised(module, label, soPin), soPin, pin);
  } catch (error) {
    throw tokenError(error, 'opening', `Making the token "${label}"`);
  }
}

const flagsOf = (module: PKCS11, slot: Handle) => module.C_GetTokenInfo(slot).flags;

function unfinished(module: PKCS11, label: string): Handle | undefined {
  const [slot] = module
    .C_GetSlotList(true)
    .filter((one) => isInitialised(module, one) && tokenName(module.C_GetTokenInfo(one)).label === label);
  if (slot === undefined || (flagsOf(module, slot) & pkcs11js.CKF_USER_PIN_INITIALIZED) === 0) return slot;
  throw new TokenError('occupied', 'TOKEN_EXISTS', `There is a token "${label}" already, and it has a PIN.`);
}

const isInitialised = (module: PKCS11, slot: Handle) => (flagsOf(module, slot) & pkcs11js.CKF_TOKEN_INITIALIZED) !== 0;

function initialised(module: PKCS11, label: string, soPin: string): Handle {
  const [slot] = module.C_GetSlotList(true).filter((one) => !isInitialised(module, one));
  if (slot === undefined) {
    throw new TokenError('missing', 'NO_FREE_SLOT', 'The module has no slot that is free for another token.');
  }
  // 32 bytes, "padded with the blank character" (PKCS#11 v2.40 section 5.5, C_InitToken).
  module.C_InitToken(slot, soPin, label + ' '.repeat(32 - Buffer.byteLength(label)));
  return slot;
}

function setPin(module: PKCS11, slot: Handle, soPin: string, pin: string): void {
  const session = module.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
  try {
    module.C_Login(session, pkcs11js.CKU_SO, soPin);
    module.C_InitPIN(session, pin);
  } finally {
    // "If [the session] is the application's last one, the login state returns to public" (section 5.6, C_CloseSession).
    module.C_CloseSession(session);
  }
}
