import { type Code, type Failure, Fault, failure } from './roll/failure.ts';

/** What hsm/ throws is told by its kind: hsm/ knows nothing of our codes. */
const TOKEN_CODES = {
  module: 'NL-TOKEN-MODULE',
  engine: 'NL-TOKEN-ENGINE',
  missing: 'NL-TOKEN-MISSING',
  pin: 'NL-TOKEN-PIN',
  'pin-locked': 'NL-TOKEN-PIN-LOCKED',
  'pin-file': 'NL-TOKEN-PIN-FILE',
  key: 'NL-TOKEN-KEY',
  occupied: 'NL-TOKEN-OCCUPIED',
  poisoned: 'NL-TOKEN-POISONED',
  failed: 'NL-TOKEN-FAILED',
} as const;

/** What hsm/tpm throws, in the same way. */
const TPM_CODES = {
  missing: 'NL-TPM-MISSING',
  denied: 'NL-TPM-DENIED',
  blob: 'NL-TPM-BLOB',
  key: 'NL-TPM-KEY',
  failed: 'NL-TPM-FAILED',
} as const;

const NAMED: Readonly<Record<string, Readonly<Record<string, Code>>>> = {
  TokenError: TOKEN_CODES,
  TpmError: TPM_CODES,
};

/** Turns whatever was thrown into a failure. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Fault) return error.failure;
  if (error instanceof Error && 'kind' in error) {
    const code = NAMED[error.name]?.[String(error.kind)];
    if (code !== undefined) return failure(code, { message: `${error.message.replace(/\.$/, '')}.` });
  }
  return failure('NL-INTERNAL', { cause: error instanceof Error ? (error.stack ?? error.message) : error });
}
