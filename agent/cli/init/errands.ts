import type { Account } from '../../machine/account.ts';
import type { Unit } from '../../machine/unit.ts';
import { askAs } from '../proof/apart.ts';
import type { ERRANDS } from '../proof/errands.ts';

/** Attempts as a user, each in a process of its own: modules crash and hang. All throw Fault. */
export type Errands = typeof ERRANDS;

/** @param account the user, where this process can become it @param during names work that takes its time */
export function createErrands(
  account?: Account,
  unit: () => Unit | undefined = () => undefined,
  during: <T>(words: string, work: Promise<T>) => Promise<T> = (_, work) => work,
): Errands {
  const as =
    <Q extends keyof Errands>(question: Q, doing: string) =>
    (asked: Parameters<Errands[Q]>[0]) =>
      during(doing, askAs({ account, unit: unit() }, question, asked));
  return {
    // The look into the modules is announced as a whole.
    tokens: (module) => askAs({ account, unit: unit() }, 'tokens', module),
    login: as('login', 'Logging in to the token'),
    findTls: as('findTls', 'Looking for what does TLS'),
    makeToken: as('makeToken', 'Making the token'),
    keysIn: as('keysIn', 'Looking for keys in the token'),
    importKey: as('importKey', 'Bringing the key into the token'),
    whyUnreadable: as('whyUnreadable', 'Reading the file'),
    refusesScope: as('refusesScope', 'Asking DPS about the ID scope'),
  };
}
