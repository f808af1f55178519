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

export interface CodeEntry {
  readonly kind: FailureKind;
  /** The meaning, for README.md. */
  readonly means: string;
  /** The next command, or the person to call. */
  readonly advice: string;
  /** The same for `newleaf check` itself, where the advice would send there. */
  readonly inCheck?: string;
}

/** @param advice by default that of a failure that passes by itself */
export const transientCode = (
  means: string,
  advice = 'Nothing to do: newleaf keeps trying.',
  inCheck?: string,
): CodeEntry => ({ kind: 'transient', means, advice, ...(inCheck !== undefined && { inCheck }) });
export const refusedCode = (means: string, advice: string): CodeEntry => ({ kind: 'refused', means, advice });
export const brokenCode = (means: string, advice: string, inCheck?: string): CodeEntry => ({
  kind: 'broken',
  means,
  advice,
  ...(inCheck !== undefined && { inCheck }),
});
