import { chmod, chown, readFile, stat } from 'node:fs/promises';
import type { Server } from 'node:net';
import { dirname } from 'node:path';
import { isPassing } from '../failure/errno.ts';
import { Fault } from '../failure/failure.ts';
import { groupsIn } from '../machine/account.ts';
import type { Log } from '../machine/log.ts';
import { makePath } from '../machine/make-path.ts';
import { clearSocket, listenAt } from '../machine/unix-socket.ts';

const GROUP = 'newleaf';

/**
 * Makes the server listen on the socket. Removes the socket of a dead daemon; leaves a live one, and a file that is no socket,
 * alone. At every moment only the owner, and later the group `newleaf`, can connect.
 * @throws Fault NL-DAEMON-RUNS, NL-CONFIG; NL-CONTROL-SOCKET for a passing fault
 */
export async function claimSocket(server: Server, path: string, log: Log, groupFile = '/etc/group'): Promise<void> {
  try {
    await makePath(dirname(path));
    await makeRoom(path);
    await listenAt(server, path, 0o177);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const code = isPassing(cause) ? 'NL-CONTROL-SOCKET' : 'NL-CONFIG';
    throw new Fault(code, { message: `control.socket cannot be made at ${path}.`, cause });
  }
  await admitGroup(path, log, groupFile);
}

async function makeRoom(path: string): Promise<void> {
  const inTheWay = await clearSocket(path);
  if (inTheWay === 'answers') throw new Fault('NL-DAEMON-RUNS', { message: `Another newleaf answers on ${path}.` });
  if (inTheWay === 'no socket')
    throw new Fault('NL-CONFIG', { message: `control.socket: ${path} is there and is no socket.` });
}

async function admitGroup(path: string, log: Log, groupFile: string): Promise<void> {
  const advice = `groupadd --system ${GROUP}, and run newleaf as root or as a member of it`;
  const stayPrivate = (message: string, cause?: { readonly cause: string }) =>
    log.warn({ event: 'control-private', path, message, ...cause, advice });
  try {
    const [gid] = groupsIn(await readFile(groupFile, 'utf8'), [GROUP]);
    if (gid === undefined) return stayPrivate(`There is no group ${GROUP}: the socket is private.`);
    // A socket that has the group already needs no chown, which the unit forbids (@privileged of systemd).
    if ((await stat(path)).gid !== gid) await chown(path, -1, gid);
    await chmod(path, 0o660);
  } catch (error) {
    stayPrivate(`The socket cannot be given to the group ${GROUP}: it is private.`, { cause: String(error) });
  }
}
