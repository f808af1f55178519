import type { RollEffect } from '../state.ts';
import type { Circumstances, Memory, Question } from './memory.ts';

/** A fact that follows from facts. */
export interface Row {
  readonly name: string;
  /** Why it stands, and why here. */
  readonly why: string;
  /** The memory with one fact more; undefined where the row does not apply. */
  readonly apply: (memory: Memory, c: Circumstances) => Memory | undefined;
}

export type AskName = 'prove' | 'register next' | 'register current' | 'destroy' | 'make' | 'issue';

/** What is asked of the outside. */
export interface Asking {
  readonly effect: RollEffect;
  readonly question: Question;
  /** In milliseconds from now; 0 or less: now. */
  readonly wait: number;
}

export interface AskRow {
  readonly name: AskName;
  /** When it is asked, as a sentence for the page of the roll. */
  readonly why: string;
  readonly ask: (memory: Memory, c: Circumstances) => Asking | undefined;
}
