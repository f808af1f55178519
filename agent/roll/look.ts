import type { Candidate } from './candidate.ts';
import type { Phase } from './phase.ts';
import type { RollState } from './state.ts';
import type { Terms } from './terms.ts';

// Questions to the view that more than one reader asks.

/** Whether a person is to bring the leaf of the next key. Where the issuer needs no person, the next roll brings its own. */
export const waitsForPerson = (next: Candidate | undefined, { automatic }: Pick<Terms, 'automatic'>): boolean =>
  !automatic && next !== undefined && next.leaf === undefined && next.for !== 'roll';

/** The token does not have the key of the current leaf. */
export const lacksKey = ({ sessionTrouble }: Pick<RollState, 'sessionTrouble'>): boolean =>
  sessionTrouble?.failure.code === 'NL-TOKEN-KEY';

/** The CKA_IDs that the records name: every other key in our places is a stranger's. */
export const knownIds = ({
  current,
  next,
  retire = [],
}: Partial<Pick<RollState, 'current' | 'next' | 'retire'>>): string[] =>
  [current?.key.id, next?.key.id, ...retire.map(({ id }) => id)].filter((id) => id !== undefined);

/** Work that waits for the token or for an issuer, perhaps for days. */
export const WAITING: ReadonlySet<Phase> = new Set<Phase>(['generating-key', 'requesting-leaf']);

export const REGISTERING: ReadonlySet<Phase> = new Set<Phase>(['registering', 'registering-next', 'abandoning']);
