import { createJournal } from '../../../agent/state/journal.ts';

export interface Entry {
  readonly phase: string;
  readonly trail?: readonly string[];
}

function validate(entry: unknown): Entry {
  if (typeof entry === 'object' && entry !== null && 'phase' in entry && typeof entry.phase === 'string')
    return entry as Entry;
  throw new Error('the phase is missing');
}

/** A journal whose entries have a phase. */
export const open = (directory: string) =>
  createJournal({ directory, validate, now: () => Date.parse('2030-01-01T00:00:00Z') });
