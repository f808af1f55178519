import { askSocket } from '../../control/client.ts';
import { Fault } from '../../failure/failure.ts';
import { knock } from '../../machine/unix-socket.ts';
import type { Status } from '../../roll/report.ts';
import { isLocked } from '../../state/lock.ts';
import type { UplinkTold } from '../uplink/told.ts';
import type { DaemonPlace } from './daemon-place.ts';

/** The status of the gateway: that of its leaf, and of the programs that send through newleaf. */
export interface GatewayStatus extends Status {
  /** Absent where there are no programs. */
  readonly uplink?: UplinkTold;
}

/**
 * A failure to ask the daemon: where it has its lock it runs, and only its socket is not here. In a container it is another one's
 * then, as of two on one volume; or it has just been started in this one.
 */
export async function unheard(error: unknown, place: DaemonPlace): Promise<unknown> {
  const isDown = error instanceof Fault && error.failure.code === 'NL-DAEMON-DOWN';
  if (!isDown || !(await isGone(place))) return error;
  return place.isContained === true ? new Fault('NL-CONTROL-GONE', ELSEWHERE) : new Fault('NL-CONTROL-GONE');
}

const isGone = async ({ socket, directory }: DaemonPlace): Promise<boolean> =>
  directory !== undefined && (await knock(socket)) !== undefined && (await isLocked(directory));

const ELSEWHERE = {
  message: 'The daemon runs in another container on this volume, or is starting in this one.',
  advice: 'Ask it there: `docker exec newleaf newleaf status`',
};

/** Before the token is opened. @throws Fault NL-DAEMON-RUNS where a daemon that cannot be asked here has it */
export async function demandHere(place: DaemonPlace): Promise<void> {
  if (place.isContained !== true || !(await isGone(place))) return;
  const message = 'The daemon has the token, in another container on this volume, or as it is starting in this one.';
  throw new Fault('NL-DAEMON-RUNS', { message, advice: 'Check it there: `docker exec newleaf newleaf check`' });
}

/** A daemon that has not told its status by then hangs. */
export const STATUS_MS = 10_000;

/** @throws Fault NL-DAEMON-DOWN, NL-CONTROL-DENIED, NL-CONTROL-BUSY, NL-CONTROL-GONE */
export async function askStatus(place: DaemonPlace): Promise<GatewayStatus> {
  const asked = askSocket(place.socket, 'GET', '/v1/status', undefined, STATUS_MS);
  const { status, body } = await asked.catch(async (error: unknown) => {
    throw await unheard(error, place);
  });
  if (status === 200) return body as GatewayStatus;
  throw new Fault('NL-INTERNAL', {
    message: `The daemon answered ${status} to a question for its status.`,
    cause: JSON.stringify(body),
  });
}

/** A daemon that runs on this state: its status, or why it tells none; undefined where there is none. */
export async function daemonOn({ socket, directory }: DaemonPlace): Promise<GatewayStatus | Fault | undefined> {
  const found = await askStatus({ socket }).catch((error: unknown) => {
    if (error instanceof Fault) return error;
    throw error;
  });
  if (!(found instanceof Fault && found.failure.code === 'NL-DAEMON-DOWN')) return found;
  return directory !== undefined && (await isLocked(directory)) ? new Fault('NL-CONTROL-GONE') : undefined;
}

const AWAY = ['NL-DAEMON-DOWN', 'NL-CONTROL-BUSY', 'NL-CONTROL-GONE'];

/** The status; or the Fault, where the daemon is away or busy. @throws Fault NL-CONTROL-DENIED, NL-INTERNAL */
export async function present(place: DaemonPlace): Promise<GatewayStatus | Fault> {
  try {
    return await askStatus(place);
  } catch (error) {
    if (error instanceof Fault && AWAY.includes(error.failure.code)) return error;
    throw error;
  }
}
