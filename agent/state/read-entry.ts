import { type Entry, validateEntry } from './entry.ts';
import { createJournal } from './journal.ts';

/** The entry of the state file. @throws as `Journal.read` */
export const readEntry = (directory: string): Promise<Entry | 'absent'> =>
  createJournal({ directory, validate: validateEntry }).read();
