import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Fault } from '../failure/failure.ts';
import { type Account, groupsIn } from './account.ts';
import type { Unit } from './unit.ts';

/** The caller's part of the environment; where a token is found is the unit's part. */
const OF_CALLER = /^(PATH|TERM|COLUMNS|LINES|LANG|LC_\w+|TZ|NO_COLOR|NEWLEAF_\w+)$/;

/** Every process on Linux has them; @types/node 20 does not know the first, and calls the others optional. */
const posix = process as NodeJS.Process &
  Required<
    Pick<NodeJS.Process, 'getegid' | 'geteuid' | 'getgroups' | 'setegid' | 'setgroups' | 'setgid' | 'setuid'>
  > & {
    initgroups(user: string, extraGroup: number): void;
  };

/**
 * Whether Node lets a process of root become another user. With a shared libuv it never does, because that may use io_uring,
 * whose threads would stay root (CVE-2024-22017): nodejs 20.19.2 of Debian 13 throws "initgroups() disabled: io_uring may be
 * enabled", whatever UV_USE_IO_URING says.
 */
export function mayTurn(): boolean {
  try {
    // It changes nothing, and Node forbids it together with the others.
    posix.setegid(posix.getegid());
    return true;
  } catch {
    return false;
  }
}

/**
 * Becomes the account, with the groups and the environment of the unit. There is no way back. A process that is that
 * account already (`asUser`) gets the environment.
 * @throws Fault NL-INTERNAL where the system forbids it
 */
export function turnInto(account: Account, unit: Unit | undefined): void {
  const { name, uid, home } = account;
  if (posix.geteuid() !== uid) takeIdentity(account, unit);
  // systemd.exec(5): a unit with User= gets these. The directory of the caller may be closed to the daemon.
  const user = { USER: name, LOGNAME: name, ...(home !== '' && home !== '/' && { HOME: home }) };
  if (unit !== undefined)
    for (const variable of Object.keys(process.env)) if (!OF_CALLER.test(variable)) delete process.env[variable];
  Object.assign(process.env, user, unit?.environment);
  process.umask(0o077);
  process.chdir('/');
}

function takeIdentity({ name, uid, gid }: Account, unit: Unit | undefined): void {
  try {
    posix.initgroups(name, gid);
    const more = groupsOf(unit);
    if (more.length > 0) posix.setgroups([...posix.getgroups(), ...more]);
    posix.setgid(gid);
    posix.setuid(uid);
  } catch (cause) {
    throw forbidden(name, cause);
  }
}

const groupsOf = (unit: Unit | undefined): readonly number[] =>
  groupsIn(readFileSync('/etc/group', 'utf8'), unit?.groups ?? []);

/** Exit status of setpriv(1), and of execvp(3) in it, for a failure of its own. newleaf never ends with it. */
export const SETPRIV_FAILED = 127;

/**
 * argv that goes before a command, to run it as the account, with the groups of the unit, by setpriv(1) of util-linux: `spawn`
 * with a uid drops all groups (node 20 to 26: setgroups(0)), and with them the right to the token of SoftHSM or the TPM.
 * @param more options of setpriv
 */
export function asUser(
  { name, uid, gid }: Account,
  unit: Unit | undefined,
  ...more: readonly string[]
): readonly string[] {
  const own = execFileSync('id', ['--groups', name], { encoding: 'utf8' }).trim().split(' ');
  const groups = [...new Set([...own, ...groupsOf(unit).map(String)])];
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, `--groups=${groups.join(',')}`, ...more, '--'];
}

export const forbidden = (name: string, cause: unknown): Fault =>
  new Fault('NL-INTERNAL', {
    message: `This process is root, and cannot become the user ${name}.`,
    advice:
      'It needs CAP_SETUID and CAP_SETGID, and with a Node of Debian setpriv(1) as well: `apt-get install util-linux`.',
    cause,
  });
