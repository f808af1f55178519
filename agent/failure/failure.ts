import { CODES, type Code, type FailureKind } from './codes.ts';

export { CODES, type Code, type FailureKind } from './codes.ts';

export interface Failure {
  readonly kind: FailureKind;
  readonly code: Code;
  /** What happened, in one sentence without the code. */
  readonly message: string;
  /** The next command, or the person to call. */
  readonly advice: string;
  /** The least pause the other side asked for, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The words of whoever refused (SDK, server, module), shortened. */
  readonly cause?: string;
}

export interface FailureDetail {
  readonly message?: string;
  readonly cause?: unknown;
  readonly retryAfterMs?: number;
  readonly advice?: string;
}

const CAUSE_LENGTH = 300;

/** Builds a failure from its code; message and advice default to the table. */
export function failure(code: Code, detail: FailureDetail = {}): Failure {
  const { kind, means, advice } = CODES[code];
  const cause = detail.cause instanceof Error ? detail.cause.message : detail.cause;
  return {
    kind,
    code,
    message: detail.message ?? means,
    advice: detail.advice ?? advice,
    ...(detail.retryAfterMs === undefined ? {} : { retryAfterMs: detail.retryAfterMs }),
    ...(cause === undefined ? {} : { cause: String(cause).slice(0, CAUSE_LENGTH) }),
  };
}

/** A failure on its way up from an adapter. `perform.ts` turns it, and whatever else is thrown, into an event. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly failure: Failure;

  constructor(code: Code, detail: FailureDetail = {}) {
    const made = failure(code, detail);
    super(sentence(made), { cause: detail.cause });
    this.failure = made;
  }
}

/** One line for a screen or a log: code, what happened, whose words, what to do next. */
export function sentence({ code, message, cause, advice }: Failure): string {
  return `${code} ${message}${cause === undefined ? '' : ` (${cause})`} ${advice}`.replaceAll(/\s*\n\s*/g, ' ');
}
