import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Config, instanceOf } from '../config/config.ts';
import type { Instance } from '../config/instance.ts';
import { type Account, DAEMON, localAccount } from './account.ts';
import { entrust } from './give-directory.ts';
import { goOn } from './go-on.ts';
import { type Handed, pinIn, type Taken } from './handed.ts';
import { keptPin } from './root-pin.ts';
import { mayTurn, turnInto } from './turn.ts';
import { unitOf } from './unit.ts';

const ROOT = 0;

/** Secrets that only root could read. */
export interface Held {
  /** The PIN, for `readPin`; undefined where there was none, or this process keeps its user. */
  readonly pin?: string;
}

/**
 * The user that a command with this configuration works as: the account of the unit's daemon, or undefined where the process
 * keeps its user: only root can become another, and a machine without that account has no such unit. A configuration elsewhere
 * is an experiment of its author, unless it names the state of the unit's daemon.
 */
export function daemonAccount(file: string, config: Pick<Config, 'state'>): Account | undefined {
  return process.geteuid?.() === ROOT ? accountFor(file, config) : undefined;
}

/** There is a daemon with a user of its own, and this process is neither that user nor root. */
export function isStranger(file: string, config: Pick<Config, 'state'>): boolean {
  const euid = process.geteuid?.();
  const account = accountFor(file, config);
  return account !== undefined && euid !== ROOT && euid !== account.uid;
}

function accountFor(file: string, { state }: Pick<Config, 'state'>): Account | undefined {
  const { hasUnit, state: ofUnit } = instanceOf(file);
  if (!hasUnit && state.directory !== ofUnit) return undefined;
  return localAccount(DAEMON);
}

/** How a command of root goes on where Node does not let its process become another user (turn.ts). */
export interface Passage {
  /** argv of the same command in a process of its own, which receives the handed values (handed.ts). */
  readonly again: readonly string[];
  /** In that process: the values that root has handed over. */
  readonly handed?: Handed | undefined;
}

/**
 * Gives a command of root the conditions of the unit's daemon: same user and groups, same environment, and the PIN already
 * read. So the daemon can use the files that it writes, and its success here means success there: SoftHSM and tpm2-pkcs11 look
 * for their tokens by HOME, groups and environment. There is no way back.
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
  const instance = instanceOf(file);
  const pin = await keptPin(instance);
  const unit = unitOf(instance.unit);
  await giveDirectories(account, file, config.state.directory, dirname(config.control.socket));
  return { account, unit, pin };
}

/** This process becomes the daemon's user; or another one does, and this ends as that does. */
async function turn(taken: Taken, file: string, { again }: Passage): Promise<void> {
  if (process.geteuid?.() === taken.account.uid || mayTurn()) turnInto(taken.account, taken.unit);
  else process.exit(await goOn(again, { ...taken, toml: readFileSync(file, 'utf8') }));
}

/**
 * The same in a process of its own, wherever this one would become another user: root is still here when it has ended.
 * @param leftMs how long it may work, in milliseconds
 * @returns its exit code; undefined where this process keeps its user
 * @throws TokenError PIN_FILE; Fault NL-INTERNAL where the system forbids it
 */
export async function sentOn(
  file: string,
  config: Config,
  { again }: Passage,
  leftMs: number | undefined,
): Promise<number | undefined> {
  const taken = await takenFor(file, config);
  return taken && goOn(again, { ...taken, toml: readFileSync(file, 'utf8'), leftMs });
}

/** The user that a command looks as. */
export interface Looking {
  /** The user of the daemon, where the process is that user. */
  readonly user?: string;
  /** There is a daemon with a user of its own, and the process is neither that user nor root. */
  readonly isStranger?: true;
  /** The PIN that root has read; absent where root keeps none for the daemon. @throws TokenError PIN_FILE */
  readonly pin?: () => Promise<string | undefined>;
}

/**
 * The same for a command that only looks: it gives the daemon no files or rights, so that missing ones are seen.
 * @throws Fault NL-INTERNAL where the system forbids it
 */
export async function lookAsDaemon(file: string, config: Config, passage: Passage): Promise<Looking> {
  const { handed } = passage;
  const account = handed?.account ?? accountFor(file, config);
  if (account === undefined) return {};
  const euid = process.geteuid?.();
  if (handed === undefined && euid === account.uid) return { user: account.name };
  if (handed === undefined && isStranger(file, config)) return { isStranger: true };
  const instance = instanceOf(file);
  const taken: Taken = handed ?? { account, unit: unitOf(instance.unit), ...(await pinOrTrouble(instance)) };
  await turn(taken, file, passage);
  const isKept = taken.pin !== undefined || taken.pinTrouble !== undefined;
  return { user: account.name, ...(isKept && { pin: () => pinIn(taken) }) };
}

/** A failure is reported to the caller that asks for the PIN. */
const pinOrTrouble = (instance: Instance) =>
  keptPin(instance).then(
    (pin) => ({ pin }),
    ({ message }: Error) => ({ pinTrouble: message }),
  );

/** The directories that the unit makes for its daemon: that of its state, and that of its socket. @throws Fault NL-STATE-WRITE */
export async function giveDirectories(account: Account, file: string, state: string, runtime: string): Promise<void> {
  await entrust(state, account, { mode: 0o750, known: instanceOf(file).state });
  await entrust(runtime, account, { mode: 0o755 });
}
