import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Account, groupsIn, localAccount } from './become/account.ts';
import { entrust } from './become/entrust.ts';
import { keptPin } from './become/kept-pin.ts';
import { type Unit, unitOf } from './become/unit.ts';
import { type Config, DEFAULT_PATH } from './config.ts';
import { Fault } from './roll/failure.ts';

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

/**
 * Makes of a command that root has called what the unit makes of the daemon: same user and groups, same environment, and
 * the PIN already read. What is written from here on the daemon can go on with, and what works here works there: SoftHSM
 * and tpm2-pkcs11 look for their tokens by HOME, groups and environment. There is no way back.
 *
 * It is this very process, and not a child: `spawn` with a uid drops all groups (node 20 to 26: setgroups(0)), and with
 * them the right to the token of SoftHSM or the TPM; runuser(1) and setpriv(1) are not everywhere; and terminal, signals
 * and exit code stay those of the command. The PIN stays in memory: a credentials directory would outlive a kill -9.
 * @throws TokenError PIN_FILE; Fault NL-INTERNAL where the system forbids it
 */
export async function becomeDaemon(file: string, config: Config): Promise<Held> {
  const account = daemonAccount(file, config);
  if (account === undefined) return {};
  const pin = await keptPin();
  const unit = unitOf();
  await giveDirectories(account, config.state.directory, dirname(config.control.socket));
  turnInto(account, unit);
  return pin === undefined ? {} : { pin };
}

/** With whose eyes a command looks. */
export interface Looking {
  /** The user of the daemon, where the process is that user. */
  readonly user?: string;
  /** There is a daemon with a user of its own, and the process is neither that user nor root. */
  readonly isStranger?: true;
  /** The PIN that root has read; absent where nobody keeps it for the daemon. @throws TokenError PIN_FILE */
  readonly pin?: () => Promise<string>;
}

/**
 * The same for a command that only looks: the daemon is given nothing that it has not got, so that what it lacks is seen.
 * @throws Fault NL-INTERNAL where the system forbids it
 */
export async function lookAsDaemon(file: string, config: Config): Promise<Looking> {
  const account = accountFor(file, config);
  if (account === undefined) return {};
  const euid = process.geteuid?.();
  if (euid === account.uid) return { user: account.name };
  if (euid !== ROOT) return { isStranger: true };
  const pin = await keptPin().then(
    (kept) => (kept === undefined ? undefined : async () => kept),
    // Told to whoever asks for it.
    (error: unknown) => () => Promise.reject(error),
  );
  turnInto(account, unitOf());
  return { user: account.name, ...(pin && { pin }) };
}

/** What the unit makes for its daemon: the directory of its state, and that of its socket. @throws Fault NL-STATE-WRITE */
export async function giveDirectories(account: Account, state: string, runtime: string): Promise<void> {
  await entrust(state, account, { mode: 0o750, known: STATE });
  await entrust(runtime, account, { mode: 0o755 });
}

/** Of the environment, what is a matter of the caller: where a token is found is a matter of the unit. */
const OF_CALLER = /^(PATH|TERM|COLUMNS|LINES|LANG|LC_\w+|TZ|NO_COLOR|NEWLEAF_\w+)$/;

/** What every process on Linux has; @types/node 20 does not know the first, and takes the others for optional. */
const posix = process as NodeJS.Process &
  Required<Pick<NodeJS.Process, 'getgroups' | 'setgroups' | 'setgid' | 'setuid'>> & {
    initgroups(user: string, extraGroup: number): void;
  };

/**
 * Becomes the account, with the groups and the environment of the unit. There is no way back.
 * @throws Fault NL-INTERNAL where the system forbids it
 */
export function turnInto({ name, uid, gid, home }: Account, unit: Unit | undefined): void {
  try {
    posix.initgroups(name, gid);
    const more = groupsIn(readFileSync('/etc/group', 'utf8'), unit?.groups ?? []);
    if (more.length > 0) posix.setgroups([...posix.getgroups(), ...more]);
    posix.setgid(gid);
    posix.setuid(uid);
  } catch (cause) {
    throw new Fault('NL-INTERNAL', {
      message: `This process is root, and cannot become the user ${name}.`,
      advice: `Call newleaf as that user: runuser -u ${name} -- newleaf …`,
      cause,
    });
  }
  // systemd.exec(5): this is what a unit with User= gets. The directory of the caller may be closed to the daemon.
  const user = { USER: name, LOGNAME: name, ...(home !== '' && home !== '/' && { HOME: home }) };
  if (unit !== undefined)
    for (const variable of Object.keys(process.env)) if (!OF_CALLER.test(variable)) delete process.env[variable];
  Object.assign(process.env, user, unit?.environment);
  process.umask(0o077);
  process.chdir('/');
}
