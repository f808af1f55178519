import type { NewToken } from '../../../hsm/new-token.ts';
import type { SeenToken } from '../../../hsm/slots.ts';
import type { TlsSettings } from '../../../hsm/tls-way.ts';
import { unansweredTokenError } from '../../../hsm/token-work.ts';
import { Worker } from '../../../hsm/worker.ts';
import { type Failure, Fault } from '../../failure/failure.ts';
import type { Account } from '../../machine/account.ts';
import { asUser, mayTurn } from '../../machine/turn.ts';
import type { Unit } from '../../machine/unit.ts';
import type { NetworkSettings } from '../../network/network.ts';
import type { Leaf } from '../../roll/leaf.ts';

export interface TriedLogin {
  readonly module: string;
  readonly token?: string | undefined;
  readonly uri?: string | undefined;
  readonly pin: string;
  /** The state directory, which remembers a refused PIN. */
  readonly pinRecord: string;
}

/** Another ID scope, and what a connection to DPS needs. */
export interface TriedScope extends TriedLogin, TlsSettings {
  readonly scope: string;
  /** The ID scope that has worked. */
  readonly kept: string;
  readonly endpoint: string;
  readonly registrationId: string;
  readonly leaf: Leaf;
  /** The file with the CAs of DPS. */
  readonly caFile: string;
  readonly network: NetworkSettings;
}

/** A key in the token. */
export interface FoundKey {
  readonly label: string;
  /** CKA_ID in lower-case hex. */
  readonly id: string;
  /** SubjectPublicKeyInfo, DER in base64. */
  readonly spki: string;
  /** The certificates beside it, PEM. */
  readonly chain: string;
}

/** Attempts as the daemon's user, each in a process of its own: modules crash and hang. All throw TokenError or Fault. */
export interface Errands {
  /** The tokens that a module shows. @param seer the user who looks: the daemon's, or the caller of init */
  tokens(module: string, seer?: 'daemon' | 'caller'): Promise<readonly SeenToken[]>;
  /** One login, and whether there is what does TLS. */
  login(asked: TriedLogin & TlsSettings): Promise<void>;
  /** Whether there is what does TLS, without a look into any token. */
  findTls(asked: TlsSettings): Promise<void>;
  makeToken(asked: NewToken): Promise<void>;
  /** The keys that TLS could use. */
  keysIn(asked: TriedLogin): Promise<readonly FoundKey[]>;
  /** Brings a private key (PEM) into the token. */
  importKey(asked: TriedLogin & { readonly label: string; readonly key: string }): Promise<void>;
  /** Why the daemon cannot read a file: the code of the system, as ENOENT. Undefined where it can. */
  whyUnreadable(file: string): Promise<string | undefined>;
  /** Whether DPS refuses an ID scope, and no outage does. */
  refusesScope(asked: TriedScope): Promise<boolean>;
}

/** The user that the process becomes. */
export interface Role {
  readonly account?: Account | undefined;
  readonly unit?: Unit | undefined;
}

type Asked<E extends keyof Errands> = Parameters<Errands[E]>[0];

export type Calls = { readonly [E in keyof Errands]: (role: Role, asked: Asked<E>) => ReturnType<Errands[E]> };

/** A module that is silent for so long is of no use. */
export const READ_MS = 15_000;
/** A TPM takes seconds for what SoftHSM does at once. */
const WORK_MS = 60_000;

/** Names work that takes its time. */
type During = <T>(words: string, work: Promise<T>) => Promise<T>;

/** @param account the user of the daemon, where this process can become it */
export function createErrands(
  account: Account | undefined,
  unit: () => Unit | undefined,
  during: During = (_, work) => work,
): Errands {
  const daemon = (): Role => ({ account, unit: unit() });
  const send = async <E extends keyof Errands>(
    errand: E,
    asked: Asked<E>,
    { doing, limitMs = WORK_MS, role = daemon() }: { doing: string; limitMs?: number; role?: Role },
  ): Promise<Awaited<ReturnType<Calls[E]>>> => {
    const worker = new Worker<Calls, Failure>({
      job: ['errand'],
      limitMs,
      prefix: role.account !== undefined && !mayTurn() ? asUser(role.account, role.unit) : [],
      isDetached: true,
      isQuiet: true,
      revive: (failure) => new Fault(failure.code, failure),
      unanswered: (none) => unansweredTokenError(none, doing, limitMs),
    });
    const answer = worker.ask(errand, ...([role, asked] as Parameters<Calls[E]>));
    // The look into the modules is announced as a whole.
    return errand === 'tokens' ? answer : during(doing, answer);
  };
  return {
    tokens: (module, seer) =>
      send('tokens', module, { doing: 'Looking into it', limitMs: READ_MS, ...(seer === 'caller' && { role: {} }) }),
    login: (asked) => send('login', asked, { doing: 'Logging in to the token' }),
    findTls: (asked) => send('findTls', asked, { doing: 'Looking for what does TLS', limitMs: READ_MS }),
    makeToken: (asked) => send('makeToken', asked, { doing: 'Making the token' }),
    keysIn: (asked) => send('keysIn', asked, { doing: 'Looking for keys in the token' }),
    importKey: (asked) => send('importKey', asked, { doing: 'Bringing the key into the token' }),
    whyUnreadable: (file) => send('whyUnreadable', file, { doing: `Reading ${file}`, limitMs: READ_MS }),
    refusesScope: (asked) => send('refusesScope', asked, { doing: 'Asking DPS about the ID scope' }),
  };
}
