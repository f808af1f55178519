import { instanceOf } from '../../config/config.ts';
import { askSocket } from '../../control/client.ts';
import { Fault } from '../../failure/failure.ts';
import { failureOf } from '../../failure/failure-of.ts';
import { DAEMON, localAccount } from '../../machine/account.ts';
import type { Status } from '../../roll/report.ts';
import { INIT_LOCK, isLocked, takeLock } from '../../state/lock.ts';

/** A daemon that is there answers at once. */
const WAIT_MS = 5_000;

/**
 * Makes sure that no daemon runs: two of them would fight for the token and the state.
 * @param socket of the control socket
 * @param directory of the state: in another container the daemon has a socket that is not here, and the same lock
 * @throws Fault NL-DAEMON-RUNS, also where this user may not ask
 */
export async function demandIdle(socket: string, directory: string): Promise<void> {
  try {
    const { body } = await askSocket(socket, 'GET', '/v1/status', undefined, WAIT_MS);
    const { words, next } = (body ?? {}) as Partial<Status>;
    const shown = words === undefined ? '' : ` (${words})`;
    const again = next?.standing === 'parked' && next.leaf === undefined ? AGAIN : '';
    throw runs(`The daemon runs already${shown}, and init leaves it alone.`, again);
  } catch (error) {
    const { code } = failureOf(error);
    if (code === 'NL-CONTROL-DENIED') throw runs('The daemon runs already, and this user may not ask it.');
    if (code !== 'NL-DAEMON-DOWN') throw error;
    if (await isLocked(directory)) throw runs(`Another newleaf already runs on ${directory}.`);
  }
}

/**
 * Makes sure that no other init works on this state, until the process ends.
 * @returns what does it, once
 * @throws Fault NL-DAEMON-RUNS; NL-STATE-WRITE
 */
export function onceAlone(): (directory: string) => Promise<unknown> {
  let taken: Promise<unknown> | undefined;
  return (directory) => {
    taken ??= takeLock(directory, INIT_LOCK).catch((error: unknown) => {
      if (failureOf(error).code !== 'NL-DAEMON-RUNS') throw error;
      const message = `Another init runs on ${directory}. This one has touched nothing.`;
      const advice = 'Go on there; or end it there (Ctrl-C), and then: `newleaf init`';
      throw new Fault('NL-DAEMON-RUNS', { message, advice });
    });
    return taken;
  };
}

/** Only root may set up the daemon of this machine. A file elsewhere is for the caller's own experiments. @throws Fault NL-CONFIG */
export function demandRoot(file: string): void {
  const uid = process.geteuid?.() ?? 0;
  const daemon = localAccount(DAEMON);
  if (uid === 0 || !instanceOf(file).hasUnit || daemon === undefined || daemon.uid === uid) return;
  const advice = '`sudo newleaf init`; or an experiment of your own: `newleaf init --config FILE`';
  throw new Fault('NL-CONFIG', { message: 'Only root can set up the daemon of this gateway.', advice });
}

const AGAIN = 'To have newleaf ask its issuer again at once: `sudo newleaf roll --wait`. ';

function runs(message: string, first = ''): Fault {
  const advice =
    'To see its status: `sudo newleaf status`. To change the configuration: `sudo systemctl stop newleaf`, `sudo newleaf init --ask`, `sudo systemctl start newleaf`';
  return new Fault('NL-DAEMON-RUNS', { message, advice: `${first}${advice}` });
}
