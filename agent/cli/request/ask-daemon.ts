import { askSocket, type Reply } from '../../control/client.ts';
import { Fault } from '../../failure/failure.ts';
import { assertNotEnded } from '../../state/journal.ts';
import type { DaemonHere } from '../status/daemon-place.ts';
import { type GatewayStatus, STATUS_MS, unheard } from '../status/present.ts';

interface Answered extends Reply {
  /** The status before the work was asked for. */
  readonly before: GatewayStatus | undefined;
}

/**
 * Asks the daemon for work, or without a body for what it knows. Work may last: a daemon that hangs does not tell its status
 * either, and is given up after that.
 * @param waitMs how long it may take to answer; as `askSocket` by default
 * @throws Fault NL-DAEMON-DOWN, NL-CONTROL-DENIED, -BUSY or -GONE; NL-STATE-DECOMMISSIONED where it is not to be started
 */
export async function askDaemon(place: DaemonHere, path: string, body?: object, waitMs?: number): Promise<Answered> {
  try {
    const status = body && (await askSocket(place.socket, 'GET', '/v1/status', undefined, STATUS_MS));
    const reply = await askSocket(place.socket, body === undefined ? 'GET' : 'POST', path, body, waitMs);
    return { ...reply, before: status?.status === 200 ? (status.body as GatewayStatus) : undefined };
  } catch (error) {
    if (error instanceof Fault && error.failure.code === 'NL-DAEMON-DOWN') await assertNotEnded(place.directory);
    throw await unheard(error, place);
  }
}
