/** A user as passwd(5) has it. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/**
 * The user of this name; undefined where there is none. Users that are not in the file (LDAP) are not found: the user of a
 * daemon is made by its package.
 * @param passwd text of /etc/passwd: name:password:UID:GID:comment:home:shell
 */
export function accountOf(name: string, passwd: string): Account | undefined {
  const fields = passwd.split('\n').map((line) => line.split(':'));
  const [, , uid, gid, , home = ''] = fields.find(([first]) => first === name) ?? [];
  if (uid === undefined || gid === undefined || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home };
}
