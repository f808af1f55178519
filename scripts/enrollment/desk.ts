import type { Io } from '../../agent/cli/kit/command.ts';

/** Everything that is around a command of the operator. */
export interface Desk extends Io {
  /** Left out where nobody is there to answer. */
  readonly ask?: (question: string) => Promise<string>;
  /** Longest pause between two looks at something that is under way, in milliseconds. */
  readonly pollMs: number;
  /** Ends early, and well, when the signal is aborted. */
  readonly sleep: (ms: number, abort?: AbortSignal) => Promise<unknown>;
  /** Calls back at a Ctrl-C, which then does not end the command, until the function that it returns is called. */
  readonly onInterrupt: (heard: () => void) => () => void;
}

/** The pauses between such looks: short at first, as one device is back within a second. */
export function* pauses({ pollMs }: Desk): Generator<number, never> {
  for (let ms = pollMs / 16; ; ms = Math.min(2 * ms, pollMs)) yield ms;
}
