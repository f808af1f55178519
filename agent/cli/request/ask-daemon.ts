import type { Config } from '../../config/config.ts';
import { askSocket, type Reply } from '../../control/client.ts';
import { Fault } from '../../failure/failure.ts';
import { assertNotEnded } from '../../state/journal.ts';

/**
 * Asks the daemon for work.
 * @throws Fault NL-DAEMON-DOWN, NL-CONTROL-DENIED or -BUSY; NL-STATE-DECOMMISSIONED where it is not to be started
 */
export async function askDaemon({ control, state }: Config, path: string, body: object): Promise<Reply> {
  try {
    return await askSocket(control.socket, 'POST', path, body);
  } catch (error) {
    if (error instanceof Fault && error.failure.code === 'NL-DAEMON-DOWN') await assertNotEnded(state.directory);
    throw error;
  }
}
