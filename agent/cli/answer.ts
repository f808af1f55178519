import { EXIT, exitOf } from '../exit.ts';
import { CODES, type Code, failure } from '../roll/failure.ts';
import type { Complaint } from './command.ts';

export interface Refused {
  readonly complaint: Complaint;
  readonly exit: number;
}

interface Body {
  readonly code?: string;
  readonly message?: string;
  readonly advice?: string;
  /** The field of the question that is wrong. */
  readonly field?: string;
  readonly retryAfterSeconds?: number;
}

export const isCode = (code: unknown): code is Code => typeof code === 'string' && Object.hasOwn(CODES, code);

/** What the daemon means by an answer that is no consent. */
export function refused(status: number, body: unknown): Refused {
  const said: Body = typeof body === 'object' && body !== null ? body : {};
  const { code, field, retryAfterSeconds, message = `The daemon answered ${status}.` } = said;
  if (field !== undefined) return { complaint: { message: `${message}.` }, exit: EXIT.usage };
  const advice = retryAfterSeconds === undefined ? said.advice : `Ask again in ${retryAfterSeconds} s.`;
  const known = isCode(code) ? code : 'NL-INTERNAL';
  const complaint = failure(known, { message, ...(advice !== undefined && { advice }) });
  return { complaint, exit: known === 'NL-ISSUER-PERSON' ? EXIT.person : exitOf(complaint) };
}
