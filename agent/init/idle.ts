import { request } from '../control-client.ts';
import { Fault } from '../roll/failure.ts';
import { failureOf } from '../thrown.ts';

/** A daemon that is there answers at once. */
const WAIT_MS = 5_000;

/**
 * Makes sure that no daemon runs: two of them would fight for the token and the state.
 * @param socket of the control socket
 * @throws Fault NL-DAEMON-RUNS, also where this user may not ask
 */
export async function demandIdle(socket: string): Promise<void> {
  try {
    const { body } = await request(socket, 'GET', '/v1/status', undefined, WAIT_MS);
    const words = typeof body === 'object' && body !== null && 'words' in body ? ` (${body.words})` : '';
    throw runs(`The daemon runs already${words}, and init leaves it alone.`);
  } catch (error) {
    const { code } = failureOf(error);
    if (code === 'NL-CONTROL-DENIED') throw runs('The daemon runs already, and this user may not ask it.');
    if (code !== 'NL-DAEMON-DOWN') throw error;
  }
}

function runs(message: string): Fault {
  const advice =
    'How it is: sudo newleaf status. To change the configuration: sudo systemctl stop newleaf; sudo newleaf init --ask; sudo systemctl start newleaf';
  return new Fault('NL-DAEMON-RUNS', { message, advice });
}
