import pkcs11js from 'pkcs11js';
import { tokenError } from './ckr.ts';
import { loadModule, type TokenSlot, tokensIn } from './module.ts';
import type { TokenName } from './uri.ts';

/** A slot with a token in it, as seen without a login. All of it is JSON. */
export interface SeenToken extends TokenName {
  /** C_InitToken has been called: it has a label, and an SO PIN. */
  readonly isInitialised: boolean;
  /** A user PIN was set: without one there is no login. */
  readonly hasPin: boolean;
  readonly needsLogin: boolean;
  /** The PIN is typed at the token itself (a reader with keys), and cannot come from a file. */
  readonly hasPinPad: boolean;
  readonly isLocked: boolean;
  readonly isCountLow: boolean;
  /** One more wrong PIN locks it. */
  readonly isFinalTry: boolean;
  /** Lengths of a PIN, in characters. */
  readonly pinLength: { readonly least: number; readonly most: number };
}

/**
 * Every token of the module. Slots without a token, and tokens that cannot be read, are left out.
 * @throws TokenError MODULE_NOT_LOADED, or the module's error
 */
export function tokensOf(path: string): readonly SeenToken[] {
  try {
    return tokensIn(loadModule(path)).map(seen);
  } catch (error) {
    throw tokenError(error, 'opening', 'Listing the tokens');
  }
}

function seen({ name, info }: TokenSlot): SeenToken {
  const has = (flag: number) => (info.flags & flag) !== 0;
  return {
    ...name,
    isInitialised: has(pkcs11js.CKF_TOKEN_INITIALIZED),
    hasPin: has(pkcs11js.CKF_USER_PIN_INITIALIZED),
    needsLogin: has(pkcs11js.CKF_LOGIN_REQUIRED),
    hasPinPad: has(pkcs11js.CKF_PROTECTED_AUTHENTICATION_PATH),
    isLocked: has(pkcs11js.CKF_USER_PIN_LOCKED),
    isCountLow: has(pkcs11js.CKF_USER_PIN_COUNT_LOW),
    isFinalTry: has(pkcs11js.CKF_USER_PIN_FINAL_TRY),
    pinLength: { least: info.minPinLen, most: info.maxPinLen },
  };
}
