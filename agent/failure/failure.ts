import type { Advice } from './advice.ts';
import { plainCause } from './cause.ts';
import { AZURE } from './codes/azure.ts';
import type { FailureKind } from './codes/code.ts';
import { FAR_SIDE } from './codes/far-side.ts';
import { GATEWAY } from './codes/gateway.ts';
import { NETWORK } from './codes/network.ts';
import { UPLINK } from './codes/uplink.ts';
import { foreign } from './foreign.ts';

export type { FailureKind } from './codes/code.ts';

/** Every code, listed once. README.md is generated from this; a code is never reused for another meaning. */
export const CODES = { ...FAR_SIDE, ...AZURE, ...NETWORK, ...GATEWAY, ...UPLINK } as const;

export type Code = keyof typeof CODES;

/** Where a failure comes from: the second word of its code. */
export type Area = AreaIn<Code>;
type AreaIn<C> = C extends `NL-${infer A}-${string}` ? A : C extends `NL-${infer A}` ? A : never;

export const areaOf = ({ code }: { readonly code: Code }): Area => code.split('-')[1] as Area;

export interface Failure extends Advice {
  readonly kind: FailureKind;
  readonly code: Code;
  /** One sentence without the code. */
  readonly message: string;
  /** The least pause that the other side asked for, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The words of the SDK, server or module that failed, shortened. */
  readonly cause?: string;
}

export interface FailureDetail extends Partial<Pick<Advice, 'byPerson'>> {
  readonly message?: string;
  readonly cause?: unknown;
  readonly retryAfterMs?: number;
  readonly advice?: string | undefined;
}

const CAUSE_LENGTH = 300;

/** Builds a failure from its code; message and advice default to the table. A command stands in the advice alone. */
export function failure(code: Code, detail: FailureDetail = {}): Failure {
  const { kind, means, ...table } = CODES[code];
  const { advice = table.advice, byPerson } = detail.advice === undefined ? table : detail;
  const cause = detail.cause instanceof Error ? detail.cause.message : detail.cause;
  return {
    kind,
    code,
    message: detail.message === undefined ? means : foreign(detail.message),
    advice,
    ...(byPerson !== undefined && { byPerson }),
    ...(detail.retryAfterMs === undefined ? {} : { retryAfterMs: detail.retryAfterMs }),
    ...(cause === undefined ? {} : { cause: foreign(String(cause).slice(0, CAUSE_LENGTH)) }),
  };
}

/** A failure on its way up from an adapter. `perform.ts` turns it, and everything else that is thrown, into an event. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly failure: Failure;

  /** By its name: a file that is bundled apart (scripts/build.ts) has a class of its own. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === 'Fault' && 'failure' in value;
  }

  constructor(code: Code, detail: FailureDetail = {}) {
    const made = failure(code, detail);
    super(sentence(made), { cause: detail.cause });
    this.failure = made;
  }
}

/** One line for a screen or a log: code, message, cause, advice. */
export function sentence({ code, message, cause, advice }: Omit<Failure, 'kind'>): string {
  return `${code} ${message}${cause === undefined ? '' : ` (${plainCause(cause)})`} ${advice}`.replaceAll(
    /\s*\n\s*/g,
    ' ',
  );
}
