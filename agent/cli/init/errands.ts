import { askChild } from '../../../hsm/child.ts';
import type { NewToken } from '../../../hsm/new-token.ts';
import type { SeenToken } from '../../../hsm/slots.ts';
import { type Failure, Fault } from '../../failure/failure.ts';
import type { Trial } from '../../issuer/trial.ts';
import type { Account } from '../../machine/account.ts';
import { asUser } from '../../machine/setpriv.ts';
import { mayTurn } from '../../machine/turn.ts';
import type { Unit } from '../../machine/unit.ts';

export interface Login {
  readonly module: string;
  readonly token?: string | undefined;
  readonly uri?: string | undefined;
  readonly pin: string;
  /** The state directory, which remembers a refused PIN. */
  readonly pinRecord: string;
}

/** What is tried as the daemon, each in a process of its own: modules crash and hang. All throw TokenError or Fault. */
export interface Errands {
  /** The tokens that a module shows. @param eyes of the daemon, or of whoever runs init */
  tokens(module: string, eyes?: 'daemon' | 'caller'): Promise<readonly SeenToken[]>;
  /** One login, and whether OpenSSL's engine is there. */
  login(asked: Login): Promise<void>;
  makeToken(asked: NewToken): Promise<void>;
  /** Why the daemon cannot read a file: the code of the system, as ENOENT. Undefined where it can. */
  whyUnreadable(file: string): Promise<string | undefined>;
  /** Whether the EST server was asked if it knows us. */
  tryEst(asked: Trial): Promise<boolean>;
}

export type Errand =
  | { readonly kind: 'tokens'; readonly module: string }
  | { readonly kind: 'login'; readonly asked: Login }
  | { readonly kind: 'read'; readonly file: string }
  | { readonly kind: 'make-token'; readonly asked: NewToken }
  | { readonly kind: 'try-est'; readonly asked: Trial };

/** What goes to the child: who it is to be, and what it is to do. */
export interface Order {
  readonly account?: Account | undefined;
  readonly unit?: Unit | undefined;
  readonly errand: Errand;
}

/** What comes back; a failure is carried as it is. */
export type Brought = { readonly value: unknown } | { readonly failure: Failure };

/** A module that has shown nothing after this time is of no use to anybody who waits for it. */
export const LOOK_MS = 15_000;
/** A TPM takes seconds for what SoftHSM does at once. */
const WORK_MS = 60_000;

/**
 * @param command argv of a process that calls `runErrand`
 * @param account who the daemon is, where this process can become it
 */
export function createErrands(
  command: readonly string[],
  account: Account | undefined,
  unit: () => Unit | undefined,
): Errands {
  const send = async (doing: string, errand: Errand, timeLimitMs: number, eyes = 'daemon'): Promise<unknown> => {
    const order: Order = eyes === 'daemon' ? { account, unit: unit(), errand } : { errand };
    const isOther = order.account !== undefined && !mayTurn();
    const argv = isOther ? asUser(order.account, order.unit, command) : command;
    const options = { command: argv, doing, timeLimitMs, isDetached: true, isQuiet: true };
    const brought = (await askChild(options, order)) as Brought;
    if ('value' in brought) return brought.value;
    const { code, message, advice, cause } = brought.failure;
    throw new Fault(code, { message, advice, cause });
  };
  return {
    async tokens(module, eyes) {
      const seen = await send('Looking into it', { kind: 'tokens', module }, LOOK_MS, eyes);
      return seen as readonly SeenToken[];
    },
    async login(asked) {
      await send('Logging in to the token', { kind: 'login', asked }, WORK_MS);
    },
    async makeToken(asked) {
      await send('Making the token', { kind: 'make-token', asked }, WORK_MS);
    },
    async whyUnreadable(file) {
      const code = await send(`Reading ${file}`, { kind: 'read', file }, LOOK_MS);
      return typeof code === 'string' ? code : undefined;
    },
    async tryEst(asked) {
      return (await send('Asking the EST server', { kind: 'try-est', asked }, WORK_MS)) === true;
    },
  };
}
