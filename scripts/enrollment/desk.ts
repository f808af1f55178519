import type { Io } from '../../agent/cli/kit/command.ts';

/** The surroundings of an operator's command. */
export interface Desk extends Io {
  /** Absent without a terminal. */
  readonly ask?: (question: string) => Promise<string>;
  /** Longest pause between two looks at work in progress, in milliseconds. */
  readonly pollMs: number;
  /** Ends early, and well, when the signal is aborted. */
  readonly sleep: (ms: number, abort?: AbortSignal) => Promise<unknown>;
  /** Calls back at a Ctrl-C, which then does not end the command, until the returned function is called. */
  readonly onInterrupt: (heard: () => void) => () => void;
}

/** Ctrl-C ends the work early, and well; a second one ends the program. */
export async function interruptible<T>(desk: Desk, work: (enough: AbortSignal) => Promise<T>): Promise<T> {
  const enough = new AbortController();
  const unheard = desk.onInterrupt(() => enough.abort());
  return work(enough.signal).finally(unheard);
}

/** Now, in ISO 8601. */
export const at = (desk: Desk): string => new Date(desk.now()).toISOString();

/** The pauses between such looks: short at first, as one device is back within a second. */
export function* pauses({ pollMs }: Desk): Generator<number, never> {
  for (let ms = pollMs / 16; ; ms = Math.min(2 * ms, pollMs)) yield ms;
}

/** For work that needs no bar of its own. */
export const quiet = (desk: Desk): Desk => ({ ...desk, err: { write: () => true } });
