import { type Advice, whole } from '../advice.ts';

/**
 * Three kinds of failures that are never mixed up:
 * - `transient`: no answer, or an answer that says "later". Nothing changes, the same effect is tried again.
 * - `refused`: the other side answered, and said no. Asking again the same way will not help.
 * - `broken`: the token, the disk or the configuration. A person or a restart is needed.
 */
export type FailureKind = 'transient' | 'refused' | 'broken';

/** The part of newleaf in it, for the help of each code. */
export const MEANWHILE: Readonly<Record<FailureKind, string>> = {
  transient:
    'it can pass by itself. The daemon, while it runs, tries again with longer and longer pauses, and gives up neither leaf nor key.',
  refused:
    'the other side has answered, and said no. Asking again in the same way does not help, so newleaf asks seldom, and keeps the leaf that it has.',
  broken: 'the token, the disk or the configuration needs a person or a restart. newleaf destroys nothing.',
};

export interface CodeEntry extends Advice {
  readonly kind: FailureKind;
  /** The meaning, for README.md. */
  readonly means: string;
  /** The advice for `newleaf check` itself, where the other would send there. */
  readonly inCheck?: Advice;
}

const entry =
  (kind: FailureKind) =>
  (means: string, advice: string | Advice, inCheck?: string | Advice): CodeEntry => ({
    kind,
    means,
    ...whole(advice),
    ...(inCheck !== undefined && { inCheck: whole(inCheck) }),
  });

const transient = entry('transient');

/** @param advice by default that of a failure that passes by itself */
export const transientCode = (
  means: string,
  advice: string | Advice = 'Nothing to do: newleaf keeps trying.',
  inCheck?: string,
) => transient(means, advice, inCheck);
export const refusedCode = entry('refused');
export const brokenCode = entry('broken');
