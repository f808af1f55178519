import { existsSync, readFileSync } from 'node:fs';

/** The user that the unit runs the daemon as. */
export const DAEMON = 'newleaf';

/** A user in passwd(5). */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/**
 * The user of this name; undefined where there is none. Users that are not in the file (LDAP) are not found: the package makes
 * the user of the daemon.
 * @param passwd text of /etc/passwd: name:password:UID:GID:comment:home:shell
 */
export function accountOf(name: string, passwd: string): Account | undefined {
  const fields = passwd.split('\n').map((line) => line.split(':'));
  const [, , uid, gid, , home = ''] = fields.find(([first]) => first === name) ?? [];
  if (uid === undefined || gid === undefined || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/** The user of this name on this machine. A container that holds one program may have no users at all. */
export function localAccount(name: string, file = '/etc/passwd'): Account | undefined {
  return existsSync(file) ? accountOf(name, readFileSync(file, 'utf8')) : undefined;
}

/**
 * Numbers of these groups, given by name or number; a name that is not in the file is left out: a group that does not exist
 * gives no right.
 * @param group text of /etc/group: name:password:GID:members
 */
export function groupsIn(group: string, wanted: readonly string[]): readonly number[] {
  const numbers = new Map(group.split('\n').map((line) => [line.split(':')[0], line.split(':')[2]]));
  return wanted
    .map((name) => (/^\d+$/.test(name) ? name : numbers.get(name)))
    .filter((gid) => gid !== undefined && /^\d+$/.test(gid))
    .map(Number);
}
