import { type Failure, Fault, failure } from './roll/failure.ts';

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

/** Turns whatever was thrown into a failure. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Fault) return error.failure;
  if (error instanceof Error && error.name === 'TokenError' && 'kind' in error) {
    const code = TOKEN_CODES[error.kind as keyof typeof TOKEN_CODES];
    if (code !== undefined) return failure(code, { message: `${error.message.replace(/\.$/, '')}.` });
  }
  return failure('NL-INTERNAL', { cause: error instanceof Error ? (error.stack ?? error.message) : error });
}
