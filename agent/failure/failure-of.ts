import { type Advice, another, whole } from './advice.ts';
import { isPassing } from './errno.ts';
import { CODES, type Code, type Failure, Fault, failure } from './failure.ts';
import { foreign } from './foreign.ts';

/** Errors of hsm/, which does not know our codes: the kind of each is the end of its code. */
const AREAS: Readonly<Record<string, string>> = { TokenError: 'NL-TOKEN', TpmError: 'NL-TPM' };

/** More than one token matches. */
export const nameToken = (which = 'one of them', serial = '…'): string =>
  `Name ${which} by its serial number: hsm.uri = "pkcs11:serial=${foreign(serial)}" in place of hsm.token.`;

/** Where the code of hsm/ says more than the kind. */
const ADVICE: Readonly<Record<string, string | Advice>> = {
  ENGINE_UNSUPPORTED:
    'Let stunnel do it: `apt-get install stunnel4 pkcs11-provider` (Fedora: stunnel and pkcs11-provider), and hsm.tls = "auto".',
  HELPER_NOT_FOUND:
    'Install both: `apt-get install stunnel4 pkcs11-provider`; elsewhere stunnel and pkcs11-provider (Fedora).',
  KEY_ALWAYS_AUTHENTICATES:
    'Name a key in hsm.key that signs after one login (with a PIV card, that of slot 9a), or leave hsm.key out.',
  KEY_AMBIGUOUS:
    'Look at them with `pkcs11-tool -O --login`: name one by its CKA_ID (`id=` in hsm.key), or remove one that is not needed.',
  KEY_ID_SHARED: another(
    (how) =>
      `Another program has made a key with the same CKA_ID, and TLS names a key by that. Remove the other key, or get one with an ID of its own: ${how}.`,
  ),
  KEY_TYPE_UNKNOWN: 'Choose another leaf.key_type, then `systemctl restart newleaf`.',
  TOKEN_AMBIGUOUS: nameToken(),
};

/** No answer of the module has led to it, as where stunnel does TLS: then there is no CKR code to look up. */
const WITHOUT_CKR =
  'Does the token sign? See `newleaf check leaf-key`. If it lasts, send the vendor of the token `newleaf support-bundle`.';

/** Turns every thrown value into a failure. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Fault) return error.failure;
  if (error instanceof Error && 'kind' in error) {
    const named = `${AREAS[error.name]}-${String(error.kind).toUpperCase()}`;
    const code = named === 'NL-TOKEN-PIN-FILE' && isPassing(error.cause) ? 'NL-TOKEN-PIN-READ' : named;
    const known = ownOf(error) ?? ('code' in error ? ADVICE[String(error.code)] : undefined);
    const message = `${error.message.replace(/\.$/, '')}.`;
    const advice = known ?? (code === 'NL-TOKEN-FAILED' && !message.includes('CKR_') ? WITHOUT_CKR : undefined);
    if (isCode(code)) return failure(code, { message, ...(advice && whole(advice)) });
  }
  return failure('NL-INTERNAL', { cause: error instanceof Error ? (error.stack ?? error.message) : error });
}

/** A new process has met this, so a restart heals nothing (hsm/token-work.ts). */
export const isMetAnew = (error: unknown): boolean =>
  error instanceof Error && 'isLasting' in error && error.isLasting === true;

/** Two keys have the CKA_ID of the leaf. A read that failed cannot seem so, and TLS can use neither. */
export const isSure = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'KEY_ID_SHARED';

function ownOf(error: Error): Advice | undefined {
  const { advice, byPerson } = error as Partial<Advice>;
  return typeof advice === 'string' ? { advice, byPerson } : undefined;
}

/** A newer daemon may have other codes. */
export const isCode = (name: unknown): name is Code => typeof name === 'string' && Object.hasOwn(CODES, name);
