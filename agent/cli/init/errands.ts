import type { Account } from '../../machine/account.ts';
import type { Unit } from '../../machine/unit.ts';
import { askAs, type Role } from '../proof/apart.ts';
import type { ERRANDS } from '../proof/errands.ts';

type All = typeof ERRANDS;

/** Attempts as the daemon's user, each in a process of its own: modules crash and hang. All throw Fault. */
export interface Errands extends Omit<All, 'tokens'> {
  /** The tokens that a module shows. @param seer the user who looks: the daemon's, or the caller of init */
  tokens(module: string, seer?: 'daemon' | 'caller'): ReturnType<All['tokens']>;
}

/** Names work that takes its time. */
type During = <T>(words: string, work: Promise<T>) => Promise<T>;

/** @param account the user of the daemon, where this process can become it */
export function createErrands(
  account: Account | undefined,
  unit: () => Unit | undefined,
  during: During = (_, work) => work,
): Errands {
  const daemon = (): Role => ({ account, unit: unit() });
  return {
    // The look into the modules is announced as a whole.
    tokens: (module, seer) => askAs(seer === 'caller' ? {} : daemon(), module, 'tokens', module),
    login: (asked) => during('Logging in to the token', askAs(daemon(), asked.module, 'login', asked)),
    findTls: (asked) => during('Looking for what does TLS', askAs(daemon(), asked.module, 'findTls', asked)),
    makeToken: (asked) => during('Making the token', askAs(daemon(), asked.module, 'makeToken', asked)),
    keysIn: (asked) => during('Looking for keys in the token', askAs(daemon(), asked.module, 'keysIn', asked)),
    importKey: (asked) => during('Bringing the key into the token', askAs(daemon(), asked.module, 'importKey', asked)),
    whyUnreadable: (file) => during(`Reading ${file}`, askAs(daemon(), 'of no token', 'whyUnreadable', file)),
    refusesScope: (asked) =>
      during('Asking DPS about the ID scope', askAs(daemon(), asked.module, 'refusesScope', asked)),
  };
}
