import type { Circumstances, Memory } from './memory.ts';

/** A fact that follows from facts. */
export interface Row {
  readonly name: string;
  /** Why it stands, and why here. */
  readonly why: string;
  /** The memory with one fact more; undefined where the row does not apply. */
  readonly apply: (memory: Memory, c: Circumstances) => Memory | undefined;
}
