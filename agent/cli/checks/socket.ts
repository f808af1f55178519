import { CODES, Fault } from '../../failure/failure.ts';
import { BEGIN_OR_LEAVE, NEW_OR_GIVEN_UP } from '../words.ts';
import { type Check, type Finding, failed, isUnbegun, ok } from './check.ts';
import type { Site } from './site.ts';
import type { ShownUnit } from './unit-shown.ts';

const START =
  'Correct the other failures here, then `systemctl start newleaf`. The end of its log: `journalctl -u newleaf -n 20`.';

export const socket: Check = {
  id: 'socket',
  describes: 'The daemon runs, and answers on its socket.',
  needs: ['configuration'],
  async look(site) {
    try {
      const { words, online, version } = await site.status();
      return ok(`The daemon (${version}) runs: ${words}, ${online ? 'online' : 'offline'}.`);
    } catch (error) {
      if (!(error instanceof Fault) || error.failure.code !== 'NL-DAEMON-DOWN') throw error;
      return down(error, site);
    }
  },
};

async function down({ failure }: Fault, site: Site): Promise<Finding> {
  const shown = await site.unit();
  const why = shown === undefined ? undefined : endingOf(shown);
  const message = why === undefined ? failure.message : `${failure.message} ${why}`;
  // A daemon that runs and does not answer has another advice.
  if (failure.advice !== CODES['NL-DAEMON-DOWN'].advice) return failed('NL-DAEMON-DOWN', message, failure.advice);
  const hasFailed = shown !== undefined && shown.Result !== 'success';
  if (hasFailed || !(await isUnbegun(site))) return failed('NL-DAEMON-DOWN', message, START);
  return failed('NL-DAEMON-DOWN', `${message} ${NEW_OR_GIVEN_UP}`, BEGIN_OR_LEAVE);
}

/** How the daemon ended last, in the words of systemd.exec(5) and exit.ts; undefined where it was never started. */
function endingOf({ LoadState, ActiveState, Result, ExecMainStatus }: ShownUnit): string | undefined {
  if (LoadState !== 'loaded' || ActiveState === 'active') return undefined;
  // Exit code 6, "restart me", is a success, too.
  if (Result === 'success' && ActiveState === 'activating') {
    return 'newleaf.service is being started: after a fault newleaf leaves the token alone for half a minute.';
  }
  if (Result === 'success') return `systemd has not started newleaf.service, or has stopped it (${ActiveState}).`;
  return `newleaf.service is ${ActiveState}: it ended with ${Result === 'exit-code' ? `exit code ${ExecMainStatus}` : Result}.`;
}
