import { EXIT, exitOf } from '../exit.ts';
import { CODES, type Code, type Failure, failure } from '../roll/failure.ts';

export interface Refused {
  readonly failure: Failure;
  readonly exit: number;
}

interface Body {
  readonly code?: string;
  readonly message?: string;
  readonly advice?: string;
  readonly field?: string;
  readonly retryAfterSeconds?: number;
}

const isCode = (code: string | undefined): code is Code => code !== undefined && Object.hasOwn(CODES, code);

/** What the daemon means by an answer that is no consent. */
export function refused(status: number, body: unknown): Refused {
  const { code, message, advice, field, retryAfterSeconds } = (
    typeof body === 'object' && body !== null ? body : {}
  ) as Body;
  const said = message ?? `The daemon answered ${status}.`;
  if (field !== undefined) return { failure: failure('NL-INTERNAL', { message: said }), exit: EXIT.usage };
  const wait = retryAfterSeconds === undefined ? {} : { advice: `Again in ${retryAfterSeconds} s.` };
  const known = isCode(code) ? code : 'NL-INTERNAL';
  const made = failure(known, { message: said, ...(advice !== undefined && { advice }), ...wait });
  return { failure: made, exit: known === 'NL-ISSUER-PERSON' ? EXIT.person : exitOf(made) };
}
