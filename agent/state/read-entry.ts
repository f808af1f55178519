import { memoryOf } from '../roll/core/entry.ts';
import { recorded } from '../roll/core/view.ts';
import type { RollState } from '../roll/state.ts';
import { validateEntry } from './entry.ts';
import { createJournal } from './journal.ts';

/** What the state file tells, as the daemon would show it. @throws as `Journal.read` */
export async function readEntry(directory: string): Promise<RollState | 'absent'> {
  const entry = await createJournal({ directory, validate: validateEntry }).read();
  return entry === 'absent' ? entry : recorded(memoryOf(entry), Date.now());
}
