import { askSocket, type Reply } from '../../control/client.ts';
import { Fault } from '../../failure/failure.ts';
import { assertNotEnded } from '../../state/journal.ts';
import type { DaemonHere } from '../status/daemon-place.ts';
import { unheard } from '../status/present.ts';

/**
 * Asks the daemon for work, or without a body for what it knows.
 * @param waitMs how long it may take to answer; as `askSocket` by default
 * @throws Fault NL-DAEMON-DOWN, NL-CONTROL-DENIED, -BUSY or -GONE; NL-STATE-DECOMMISSIONED where it is not to be started
 */
export async function askDaemon(place: DaemonHere, path: string, body?: object, waitMs?: number): Promise<Reply> {
  try {
    return await askSocket(place.socket, body === undefined ? 'GET' : 'POST', path, body, waitMs);
  } catch (error) {
    if (error instanceof Fault && error.failure.code === 'NL-DAEMON-DOWN') await assertNotEnded(place.directory);
    throw await unheard(error, place);
  }
}
