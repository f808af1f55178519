import { plainCause } from '../../failure/cause.ts';
import { CODES, type Failure, Fault } from '../../failure/failure.ts';
import { failureOf } from '../../failure/failure-of.ts';
import { version as here } from '../../machine/build.ts';
import type { Trouble } from '../../roll/report.ts';
import { needsAction } from '../../roll/wrong.ts';
import type { Site } from '../proof/site.ts';
import type { ShownUnit } from '../proof/unit-shown.ts';
import { parkedAlarm } from '../status/advise.ts';
import { shortened } from '../status/session.ts';
import { BEGIN_OR_LEAVE, NEW_OR_GIVEN_UP } from '../words.ts';
import { adviceHere, type Check, type Finding, failed, isUnbegun, ok, skipped, warning } from './check.ts';

/** `UnitFileState` of a unit that systemd starts by itself (systemctl(1), is-enabled). */
const ENABLED = ['enabled', 'enabled-runtime', 'static', 'linked', 'generated', 'alias'];

/** The daemon itself tells whether it runs; this is about what keeps it running. */
async function unit(site: Site): Promise<Finding> {
  const shown = await site.unit();
  if (shown === undefined) return skipped('systemd does not run this machine.');
  const { Id, LoadState, ActiveState, UnitFileState, WatchdogUSec, NRestarts } = shown;
  if (LoadState === 'not-found') {
    const message = `${Id} is not installed: nothing starts the daemon at boot.`;
    return warning(message, 'Install the package newleaf.');
  }
  if (LoadState !== 'loaded') {
    const advice = 'See `systemctl status newleaf`, and `systemctl unmask newleaf` if it is masked.';
    return warning(`${Id} is ${LoadState}.`, advice);
  }
  if (!ENABLED.includes(UnitFileState)) {
    if ((await endOf(site)) !== undefined) return ok(`${Id} is ${UnitFileState}: this gateway was given up.`);
    const message = `${Id} is ${UnitFileState}: nothing starts the daemon at boot.`;
    return warning(message, (await isUnbegun(site)) ? BEGIN_OR_LEAVE : '`systemctl enable newleaf`');
  }
  // systemd 257 shows the value of WatchdogSec= only after the first start.
  const isUnstarted = WatchdogUSec === 'infinity' && ActiveState === 'inactive';
  if (isUnstarted) return ok(`${Id} is ${UnitFileState}, and was not started yet.`);
  if (WatchdogUSec === '0' || WatchdogUSec === '' || WatchdogUSec === 'infinity') {
    const message = `${Id} has no watchdog: a daemon that hangs is not restarted.`;
    return warning(message, NO_WATCHDOG);
  }
  const none = NRestarts === '0' || NRestarts === '';
  const restarts = none ? 'no restart' : `${NRestarts} restart${NRestarts === '1' ? '' : 's'}`;
  const is = `${UnitFileState} and ${ActiveState}`;
  // Its limit changes with each call of the token (daemon/vitals.ts).
  return ok(`${Id} is ${is}, with a watchdog, and ${restarts}.`);
}

/** Not `systemctl revert`: it takes every drop-in away, that for a TPM too. */
const NO_WATCHDOG =
  'See with `systemctl cat newleaf` which drop-in sets WatchdogSec=. Correct it, then `systemctl daemon-reload`, `systemctl restart newleaf`.';

async function socket(site: Site): Promise<Finding> {
  try {
    const { words, online, version } = await site.status();
    return ok(`The daemon (${version}) runs: ${words}, ${online ? 'online' : 'offline'}.`);
  } catch (error) {
    if (!(error instanceof Fault) || error.failure.code !== 'NL-DAEMON-DOWN') throw error;
    const { message, advice } = await down(error, site);
    return failed('NL-DAEMON-DOWN', message, advice);
  }
}

async function down({ failure }: Fault, site: Site): Promise<{ readonly message: string; readonly advice: string }> {
  const shown = await site.unit();
  const why = shown === undefined ? undefined : endingOf(shown);
  const message = why === undefined ? failure.message : `${failure.message} ${why}`;
  // A daemon that runs and does not answer has another advice.
  if (failure.advice !== CODES['NL-DAEMON-DOWN'].advice) return { message, advice: failure.advice };
  if (shown !== undefined && isUserless(shown)) return { message, advice: MAKE_USER };
  const ended = await endOf(site);
  if (ended !== undefined) return { message: `${message} ${ended.message}`, advice: ended.advice };
  const hasFailed = shown !== undefined && shown.Result !== 'success';
  if (hasFailed || !(await isUnbegun(site))) return { message, advice: failure.advice };
  return { message: `${message} ${NEW_OR_GIVEN_UP}`, advice: BEGIN_OR_LEAVE };
}

/** That this gateway was given up, where it was: its daemon is not to be started. */
async function endOf(site: Site): Promise<Failure | undefined> {
  const met = await site.entry().then(() => undefined, failureOf);
  return met?.code === 'NL-STATE-DECOMMISSIONED' ? met : undefined;
}

/** How the daemon ended last, in the words of systemd.exec(5) and exit.ts; undefined where it was never started. */
function endingOf(shown: ShownUnit): string | undefined {
  const { Id, LoadState, ActiveState, Result, ExecMainStatus, ExecMainExitTimestamp: at } = shown;
  if (LoadState !== 'loaded' || ActiveState === 'active') return undefined;
  // Exit code 6, "restart me", is a success, too.
  if (Result === 'success' && ActiveState === 'activating') {
    return `${Id} is being started: after a fault newleaf leaves the token alone for half a minute.`;
  }
  if (Result === 'success') return `systemd has not started ${Id}, or has stopped it (${ActiveState}).`;
  if (isUserless(shown)) return `${Id} is ${ActiveState}: its user or its group newleaf does not exist.`;
  const how = Result === 'exit-code' ? `exit code ${ExecMainStatus}` : Result;
  return `${Id} is ${ActiveState}: it ended with ${how}${at === '' ? '' : `, ${at}`}.`;
}

/**
 * systemd.exec(5): 216 is EXIT_GROUP, 217 EXIT_USER. Without the user, the condition of the unit cannot be run, and systemd 257
 * takes that for one that is not met.
 */
function isUserless({ Result, ExecMainStatus, ExecCondition }: ShownUnit): boolean {
  const status = Result === 'exec-condition' ? /\bstatus=(\d+)/.exec(ExecCondition)?.[1] : ExecMainStatus;
  return (Result === 'exit-code' || Result === 'exec-condition') && (status === '216' || status === '217');
}

const MAKE_USER =
  'Make them again: `systemd-sysusers` (of the tarball: its install.sh), then `systemctl restart newleaf`. If the user has another number than before, the files of its token are still of the old one, and named here then.';

async function version(site: Site): Promise<Finding> {
  const { version: running } = await site.status();
  if (running === here)
    return ok(`newleaf ${here}, Node ${process.versions.node}, OpenSSL ${process.versions.openssl}.`);
  return warning(`The daemon runs ${running}, and ${here} is installed.`, '`systemctl restart newleaf`');
}

/** Checks of their own find these, each with a cause that the daemon cannot know. */
const FOUND = /^NL-(CLOCK|LEAF-EXPIR|STATE-WRITE)|-UNTRUSTED$/;

/** What the daemon says is wrong, as `newleaf status` tells it: no check finds a refusal by the hub from outside. */
async function trouble(site: Site): Promise<Finding> {
  const status = await site.status();
  const { wrong, leaf, next, online, phase } = status;
  const isNew = ({ code }: Trouble) => needsAction(code) && !FOUND.test(code);
  const [worst] = [...wrong.filter(isNew), ...wrong];
  if (worst === undefined) {
    const keepalive = shortened(status);
    const more = keepalive === undefined ? '' : ` Its keepalive is ${keepalive}.`;
    if (online || phase !== 'serving') return ok(`The daemon has none.${more}`);
    return warning('The daemon is offline, and says no more.', 'See it try: `newleaf status --watch`.');
  }
  const { directory } = (await site.config()).config.state;
  const isOfNext = next !== undefined && worst.code === next.trouble?.code;
  const told = (isOfNext && parkedAlarm(next, directory, site.now)) || worst;
  const { code, message, cause } = worst;
  const about = leaf !== undefined && isOfNext ? 'About the next leaf: ' : '';
  const words = `${about}${cause === undefined ? message : `${message} (${plainCause(cause)})`}`;
  return isNew(worst) ? failed(code, words, told) : warning(`${code} ${words}`, adviceHere(code, told));
}

export const DAEMON_CHECKS: readonly Check[] = [
  { id: 'unit', describes: 'systemd starts the daemon, and restarts it when it hangs.', needs: [], look: unit },
  { id: 'socket', describes: 'The daemon runs, and answers on its socket.', needs: ['configuration'], look: socket },
  { id: 'version', describes: 'The daemon runs the installed version.', needs: ['socket'], look: version },
  { id: 'trouble', describes: 'The daemon has no trouble that needs a person.', needs: ['socket'], look: trouble },
];
