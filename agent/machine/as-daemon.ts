import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Config, DEFAULT_PATH } from '../config/config.ts';
import { type Account, localAccount } from './account.ts';
import { entrust } from './give-directory.ts';
import { goOn } from './go-on.ts';
import { type Handed, pinIn, type Taken } from './handed.ts';
import { keptPin } from './root-pin.ts';
import { mayTurn, turnInto } from './turn.ts';
import { unitOf } from './unit.ts';

/** The user that the unit runs the daemon as. */
export const DAEMON = 'newleaf';

const ROOT = 0;

/** Where the state of the unit's daemon is (`StateDirectory=newleaf`). */
const STATE = '/var/lib/newleaf';

/** What only root could read. */
export interface Held {
  /** The PIN, for `readPin`; undefined where nothing was there, or this process stays who it is. */
  readonly pin?: string;
}

/**
 * Whose work it is that a command with this configuration does: the account of the unit's daemon, or undefined where the
 * process is to stay who it is, as nobody but root can become another, and a machine without that user has no such unit.
 * A configuration elsewhere is an experiment of its author, unless it means the state of the unit's daemon.
 */
export function daemonAccount(file: string, config: Pick<Config, 'state'>): Account | undefined {
  return process.geteuid?.() === ROOT ? accountFor(file, config) : undefined;
}

function accountFor(file: string, { state }: Pick<Config, 'state'>): Account | undefined {
  if (file !== DEFAULT_PATH && state.directory !== STATE) return undefined;
  return localAccount(DAEMON);
}

/** How a command of root goes on where Node does not let its process become another user (turn.ts). */
export interface Passage {
  /** argv of the same command in a process of its own, which takes what it is handed (handed.ts). */
  readonly again: readonly string[];
  /** In that process: what root has handed over. */
  readonly handed?: Handed | undefined;
}

/**
 * Makes of a command that root has called what the unit makes of the daemon: same user and groups, same environment, and
 * the PIN already read. What is written from here on the daemon can go on with, and what works here works there: SoftHSM
 * and tpm2-pkcs11 look for their tokens by HOME, groups and environment. There is no way back.
 *
 * It is this very process wherever Node admits it: setpriv(1) is not everywhere. Where it does not, the command goes on in
 * another process, and this one only waits for its end. The PIN stays in memory either way: a credentials directory would
 * outlive a kill -9.
 * @throws TokenError PIN_FILE; Fault NL-INTERNAL where the system forbids it
 */
export async function becomeDaemon(file: string, config: Config, passage: Passage): Promise<Held> {
  const taken = passage.handed ?? (await takenFor(file, config));
  if (taken === undefined) return {};
  await turn(taken, file, passage);
  const pin = await pinIn(taken);
  return pin === undefined ? {} : { pin };
}

async function takenFor(file: string, config: Config): Promise<Taken | undefined> {
  const account = daemonAccount(file, config);
  if (account === undefined) return undefined;
  const pin = await keptPin();
  const unit = unitOf();
  await giveDirectories(account, config.state.directory, dirname(config.control.socket));
  return { account, unit, pin };
}

/** Makes this process that of the daemon; or else another one, and then this ends as that does. */
async function turn(taken: Taken, file: string, { again }: Passage): Promise<void> {
  if (process.geteuid?.() === taken.account.uid || mayTurn()) turnInto(taken.account, taken.unit);
  else await goOn(again, { ...taken, toml: readFileSync(file, 'utf8') });
}

/** With whose eyes a command looks. */
export interface Looking {
  /** The user of the daemon, where the process is that user. */
  readonly user?: string;
  /** There is a daemon with a user of its own, and the process is neither that user nor root. */
  readonly isStranger?: true;
  /** The PIN that root has read; absent where nobody keeps it for the daemon. @throws TokenError PIN_FILE */
  readonly pin?: () => Promise<string | undefined>;
}

/**
 * The same for a command that only looks: the daemon is given nothing that it has not got, so that what it lacks is seen.
 * @throws Fault NL-INTERNAL where the system forbids it
 */
export async function lookAsDaemon(file: string, config: Config, passage: Passage): Promise<Looking> {
  const { handed } = passage;
  const account = handed?.account ?? accountFor(file, config);
  if (account === undefined) return {};
  const euid = process.geteuid?.();
  if (handed === undefined && euid === account.uid) return { user: account.name };
  if (handed === undefined && euid !== ROOT) return { isStranger: true };
  const taken: Taken = handed ?? { account, unit: unitOf(), ...(await pinOrTrouble()) };
  await turn(taken, file, passage);
  const isKept = taken.pin !== undefined || taken.pinTrouble !== undefined;
  return { user: account.name, ...(isKept && { pin: () => pinIn(taken) }) };
}

/** What is wrong with it is told to those who ask for it. */
const pinOrTrouble = () =>
  keptPin().then(
    (pin) => ({ pin }),
    ({ message }: Error) => ({ pinTrouble: message }),
  );

/** What the unit makes for its daemon: the directory of its state, and that of its socket. @throws Fault NL-STATE-WRITE */
export async function giveDirectories(account: Account, state: string, runtime: string): Promise<void> {
  await entrust(state, account, { mode: 0o750, known: STATE });
  await entrust(runtime, account, { mode: 0o755 });
}
