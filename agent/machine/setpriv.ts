import { execFileSync } from 'node:child_process';
import type { Account } from './account.ts';
import { groupsOf } from './turn.ts';
import type { Unit } from './unit.ts';

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
