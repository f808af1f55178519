import type { Failure } from '../failure/failure.ts';
import type { Clock } from '../time/clock.ts';
import type { Program } from './program.ts';
import type { Rejected } from './rejected.ts';

/** What all that pass on messages of programs are given. */
export interface Shared {
  readonly programs: () => readonly Program[];
  readonly clock: Clock;
  /** Keeps a message that its receiver never takes, for a person to look at. Where it throws, the message stays in its queue. */
  readonly setAside: (program: Program, message: Rejected, why: Failure) => Promise<void>;
}
