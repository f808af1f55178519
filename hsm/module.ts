import pkcs11js, { type Handle, type PKCS11, type TokenInfo } from 'pkcs11js';
import { ckrOf, TokenError, tokenError } from './ckr.ts';
import { hiddenTokens } from './hidden-tokens.ts';
import { reasonOf } from './reason.ts';
import { restoreTokens } from './token-copy.ts';
import { matches, type Pkcs11Uri, parseUri, type TokenName } from './uri.ts';

// For the life of the process: pkcs11js closes the library when its object is collected, while the engine still uses it.
const loaded = new Map<string, PKCS11>();

/**
 * The module, loaded once for each path and initialised. It is never finalised: after C_Finalize the next handshake of
 * the engine in this process blocks the event loop for ever.
 * @throws TokenError MODULE_NOT_LOADED, or why it shows no token; the error of pkcs11js
 */
export function loadModule(path: string): PKCS11 {
  const module = loaded.get(path) ?? load(path);
  try {
    mild(pkcs11js.CKR_CRYPTOKI_ALREADY_INITIALIZED, () =>
      // Without CKF_OS_LOCKING_OK p11-kit-client answers CKR_CANT_LOCK, and pkcs11-proxy stays uninitialised.
      module.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK }),
    );
  } catch (error) {
    // SoftHSM 2.6.1 says CKR_GENERAL_ERROR, and why only in its own log.
    const hidden = hiddenTokens(path);
    if (hidden === undefined) throw error;
    const { kind, code, message } = tokenError(error, 'opening', 'Loading the module');
    throw new TokenError(kind, code, `${message}. ${hidden.message}`, error, hidden.advice);
  }
  return module;
}

function load(path: string): PKCS11 {
  restoreTokens();
  const module = new pkcs11js.PKCS11();
  try {
    module.load(path);
  } catch (error) {
    const what = `PKCS#11 module ${path} cannot be loaded: ${reasonOf(error)}`;
    throw new TokenError('module', 'MODULE_NOT_LOADED', what, error);
  }
  loaded.set(path, module);
  return module;
}

/** Runs `call`; the one return value that means "done already, elsewhere in this process" counts as success. */
export function mild(success: number, call: () => void): void {
  try {
    call();
  } catch (error) {
    if (ckrOf(error) !== success) throw error;
  }
}

export interface TokenSlot {
  readonly slot: Handle;
  readonly name: TokenName;
  /** From when the slot was found. */
  readonly info: TokenInfo;
  /** More than one matches, and why it is this one. */
  readonly doubt?: string;
}

/** Blanks pad (PKCS#11 v2.40 section 3.2); cackey pads with one zero, followed by stray memory. */
const trimmed = (text: string): string => text.replace(/ *(\0.*)?$/s, '');

export function tokenName(info: TokenInfo): TokenName {
  return {
    label: trimmed(info.label),
    serial: trimmed(info.serialNumber),
    manufacturer: trimmed(info.manufacturerID),
    model: trimmed(info.model),
  };
}

/**
 * The one initialised token that matches. SoftHSM always lists one more that is not initialised yet.
 * @param label label of the token, or undefined to match by the URI
 * @param uri RFC 7512; with neither given, the module must have exactly one token
 * @param known the one that has worked before (known-token.ts), where several match
 * @throws TokenError TOKEN_NOT_FOUND or TOKEN_AMBIGUOUS, naming the existing tokens
 */
export function findSlot(
  module: PKCS11,
  label: string | undefined,
  uri: string | undefined,
  known?: Pkcs11Uri,
): TokenSlot {
  const wanted = { ...(uri === undefined ? {} : parseUri(uri)), ...(label === undefined ? {} : { token: label }) };
  const present = tokensIn(module).filter(({ info }) => (info.flags & pkcs11js.CKF_TOKEN_INITIALIZED) !== 0);
  const found = present.filter(({ name }) => matches(name, wanted));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const [same, ...others] = known === undefined ? [] : found.filter(({ name }) => matches(name, known));
  const asked = [label === undefined ? '' : `label "${label}"`, uri ?? ''].filter((one) => one !== '').join(', ');
  const there = present.map(({ name }) => `"${name.label}" (serial ${name.serial})`).join(', ') || 'none';
  const several = `${found.length} tokens match ${asked || 'all'}: ${there}.`;
  if (same !== undefined && others.length === 0) {
    return { ...same, doubt: `${several} newleaf takes the one that has worked before (serial ${same.name.serial}).` };
  }
  if (found.length > 0) throw new TokenError('missing', 'TOKEN_AMBIGUOUS', several);
  const path = [...loaded].find(([, one]) => one === module)?.[0] ?? 'MODULE';
  const hidden = hiddenTokens(path);
  const message = `No token matches ${asked || 'at all'}. Tokens there: ${there}.${hidden ? ` ${hidden.message}` : ''}`;
  const lost = '`systemctl stop newleaf`, `newleaf init --ask`, `systemctl start newleaf`';
  const first = `Check hsm.token against \`pkcs11-tool --module ${path} -L\`. If the token is lost: ${lost}`;
  const [advice, byPerson] =
    hidden === undefined
      ? [
          `${first}, \`newleaf roll --wait\`.`,
          `${first}, \`newleaf csr\`, have it signed, then \`newleaf install FILE\`.`,
        ]
      : [hidden.advice];
  throw new TokenError('missing', 'TOKEN_NOT_FOUND', message, undefined, advice, byPerson);
}

/** Every token, also those that are not initialised. */
export function tokensIn(module: PKCS11): TokenSlot[] {
  return module.C_GetSlotList(true).flatMap((slot) => {
    try {
      const info = module.C_GetTokenInfo(slot);
      return [{ slot, name: tokenName(info), info }];
    } catch (error) {
      // A reader with a card that is no token (or being pulled) must not hide the tokens in the other slots.
      if (tokenError(error, 'opening', 'Reading a slot').kind === 'missing') return [];
      throw error;
    }
  });
}
