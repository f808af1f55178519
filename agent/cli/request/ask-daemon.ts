import type { Config } from '../../config/config.ts';
import { askSocket, type Reply } from '../../control/client.ts';
import { Fault } from '../../failure/failure.ts';
import { assertNotEnded } from '../../state/journal.ts';
import { unheard } from '../status/present.ts';

/**
 * Asks the daemon for work, or without a body for what it knows.
 * @param waitMs how long it may take to answer; as `askSocket` by default
 * @throws Fault NL-DAEMON-DOWN, NL-CONTROL-DENIED, -BUSY or -GONE; NL-STATE-DECOMMISSIONED where it is not to be started
 */
export async function askDaemon(
  { control, state }: Config,
  path: string,
  body?: object,
  waitMs?: number,
): Promise<Reply> {
  try {
    return await askSocket(control.socket, body === undefined ? 'GET' : 'POST', path, body, waitMs);
  } catch (error) {
    if (error instanceof Fault && error.failure.code === 'NL-DAEMON-DOWN') await assertNotEnded(state.directory);
    throw await unheard(error, { socket: control.socket, directory: state.directory });
  }
}
