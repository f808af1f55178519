import pkcs11js from 'pkcs11js';
import { reasonOf } from './reason.ts';

/**
 * What a failure of the token means for the operator; the caller maps each kind to one of its own codes. `poisoned`: the
 * module lost its state under an open session, only a restart of the process heals it. `hung`: a process of its own gave no
 * answer within its limit.
 */
export type TokenErrorKind =
  | PinErrorKind
  | 'module'
  | 'engine'
  | 'missing'
  | 'key'
  | 'occupied'
  | 'poisoned'
  | 'hung'
  | 'failed';
type PinErrorKind = 'pin' | 'pin-locked' | 'pin-file';

type NextSteps = readonly [advice?: string | undefined, byPerson?: string | undefined];

/** The only error of hsm/. `code` is the module's CKR_ name, OpenSSL's ERR_ code, or a symbol of our own. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly kind: TokenErrorKind;
  readonly code: string;
  /** The next step, where it is known better than by the kind. */
  readonly advice: string | undefined;
  /** In its place where a person brings the leaves. */
  readonly byPerson: string | undefined;
  /** A new process has met it, so a restart of this one heals nothing. */
  readonly isLasting: boolean = false;

  constructor(kind: TokenErrorKind, code: string, message: string, cause?: unknown, ...[advice, byPerson]: NextSteps) {
    super(message, cause === undefined ? {} : { cause });
    this.kind = kind;
    this.code = code;
    this.advice = advice;
    this.byPerson = byPerson;
  }
}

const NAMES = new Map([
  // PKCS#11 v3.0 section 5.1; pkcs11js 2.1.7 does not know it.
  [0x140, 'CKR_CURVE_NOT_SUPPORTED'],
  // v2.40 section 5.1; nor this.
  [0x1b, 'CKR_ACTION_PROHIBITED'],
  ...Object.entries(pkcs11js).flatMap(([name, value]) =>
    name.startsWith('CKR_') && typeof value === 'number' ? [[value, name] as const] : [],
  ),
]);

/** The CKR_ name of a return value (PKCS#11 v2.40 section 5.1); vendor codes keep their number. */
export function ckrName(code: number): string {
  return NAMES.get(code) ?? `CKR_0x${code.toString(16).toUpperCase().padStart(8, '0')}`;
}

const WORDS: Readonly<Record<string, string>> = {
  CKR_ACTION_PROHIBITED: 'the token does not allow this',
  CKR_ATTRIBUTE_SENSITIVE: 'the token does not reveal this',
  CKR_ATTRIBUTE_TYPE_INVALID: 'the token does not know this attribute',
  CKR_ATTRIBUTE_VALUE_INVALID: 'the token does not accept the value of an attribute',
  CKR_CANT_LOCK: 'the module cannot be used by several threads',
  CKR_CRYPTOKI_NOT_INITIALIZED: 'the module has been finalised',
  CKR_DEVICE_ERROR: 'the token has a fault',
  CKR_DEVICE_MEMORY: 'the token is full',
  CKR_DEVICE_REMOVED: 'the token was pulled',
  CKR_DOMAIN_PARAMS_INVALID: 'the token does not have this curve',
  CKR_FUNCTION_FAILED: 'the token could not do it',
  CKR_FUNCTION_NOT_SUPPORTED: 'the module cannot do this',
  CKR_GENERAL_ERROR: 'the module or its daemon does not work',
  CKR_KEY_FUNCTION_NOT_PERMITTED: 'the key may not be used for this',
  CKR_KEY_SIZE_RANGE: 'the token does not have keys of this size',
  CKR_MECHANISM_INVALID: 'the token does not have this kind of key or signature',
  CKR_OPERATION_ACTIVE: 'the module does not end an operation before this one',
  CKR_PIN_EXPIRED: 'the PIN has expired',
  CKR_PIN_INCORRECT: 'the PIN is wrong',
  CKR_PIN_INVALID: 'the PIN has characters that the token does not accept',
  CKR_PIN_LEN_RANGE: 'the PIN is too short or too long for the token',
  CKR_PIN_LOCKED: 'the PIN is locked',
  CKR_SESSION_CLOSED: 'another program closed the session',
  CKR_SESSION_COUNT: 'the token has no free session',
  CKR_SESSION_HANDLE_INVALID: 'the session is gone',
  CKR_SESSION_READ_ONLY: 'the token allows reading only',
  CKR_TEMPLATE_INCONSISTENT: 'the token does not accept these attributes together',
  CKR_TOKEN_NOT_PRESENT: 'the token is gone',
  CKR_TOKEN_NOT_RECOGNIZED: 'the token is not recognised',
  CKR_TOKEN_WRITE_PROTECTED: 'the token is write-protected',
  CKR_USER_NOT_LOGGED_IN: 'the login is gone',
  CKR_USER_PIN_NOT_INITIALIZED: 'the token has no user PIN yet',
};

/**
 * Not `CKR_PIN_EXPIRED` nor `CKR_USER_PIN_NOT_INITIALIZED`: they say nothing about our PIN. opencryptoki 3.23 answers so where
 * its directory is mounted late at a boot, and no restart would follow a refused PIN.
 */
const PIN_REFUSED = new Set(['CKR_PIN_INCORRECT', 'CKR_PIN_INVALID', 'CKR_PIN_LEN_RANGE']);

const GONE = new Set([
  'CKR_DEVICE_ERROR',
  'CKR_DEVICE_REMOVED',
  'CKR_SLOT_ID_INVALID',
  'CKR_TOKEN_NOT_PRESENT',
  'CKR_TOKEN_NOT_RECOGNIZED',
]);

/**
 * `CKR_OPERATION_ACTIVE`: in a new session as well (session.ts).
 * `CKR_PIN_EXPIRED` and `CKR_USER_PIN_NOT_INITIALIZED`: the token took our PIN and worked, and now shows another state.
 * opencryptoki 3.23 does so when its directory has been away and is back (a process that started in between put an empty token
 * into the shared memory). A new process gets the right answer at its login.
 */
const STATE_LOST = new Set([
  'CKR_CRYPTOKI_NOT_INITIALIZED',
  'CKR_GENERAL_ERROR',
  'CKR_OPERATION_ACTIVE',
  'CKR_PIN_EXPIRED',
  'CKR_SESSION_CLOSED',
  'CKR_SESSION_HANDLE_INVALID',
  'CKR_USER_NOT_LOGGED_IN',
  'CKR_USER_PIN_NOT_INITIALIZED',
]);

/**
 * The return value in an error of pkcs11js, or undefined when the module did not speak.
 * pkcs11js 2.1.7 has two shapes: `code` as a number, and, from C_FindObjects alone, a bare Error "CKR_NAME:number".
 */
export function ckrOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'number' && error.message.startsWith('CKR_')) return error.code;
  const number = /^CKR_\w+:(\d+)$/.exec(error.message)?.[1];
  return number === undefined ? undefined : Number(number);
}

/**
 * Puts an error of pkcs11js into a TokenError; a TokenError passes unchanged.
 * @param standing whether the token was open before: a token that is gone is `missing` at the start, `poisoned` later
 * @param doing the attempt, as the beginning of a sentence
 */
export function tokenError(error: unknown, standing: 'opening' | 'open', doing: string): TokenError {
  if (error instanceof TokenError) return error;
  const number = ckrOf(error);
  if (number === undefined) return new TokenError('failed', 'FAILED', `${doing}: ${reasonOf(error)}`, error);
  const code = ckrName(number);
  const words = WORDS[code];
  const message = `${doing}: ${words === undefined ? code : `${words} (${code})`}`;
  return new TokenError(ckrKind(code, standing), code, message, error);
}

export function ckrKind(code: string, standing: 'opening' | 'open'): TokenErrorKind {
  if (code === 'CKR_PIN_LOCKED') return 'pin-locked';
  if (standing === 'open' && (GONE.has(code) || STATE_LOST.has(code))) return 'poisoned';
  if (PIN_REFUSED.has(code)) return 'pin';
  return standing === 'opening' && GONE.has(code) ? 'missing' : 'failed';
}
