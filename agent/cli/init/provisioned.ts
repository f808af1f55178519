import { loadConfig } from '../../config/config.ts';
import { termsOf } from '../../config/terms.ts';
import { EXIT, exitOf } from '../../failure/exit.ts';
import { failureOf } from '../../failure/failure-of.ts';
import type { Passage } from '../../machine/as-daemon.ts';
import { builtAt } from '../../machine/build.ts';
import type { Line, Log } from '../../machine/log.ts';
import { beginAnew } from '../../state/journal.ts';
import { readEntry } from '../../state/read-entry.ts';
import { complaint, type Io } from '../kit/command.ts';
import { screenOf } from '../kit/screen.ts';
import { asDaemon, start } from '../run/command.ts';
import type { Dialogue } from './dialogue.ts';
import { finishInit, provision, type Shortfall, shortfall } from './provision.ts';
import { SCOPE_DOUBTED, scopeDoubted } from './scope.ts';
import { type DaemonWatch, serves } from './watch.ts';

interface Here extends Pick<DaemonWatch, 'dialogue' | 'isNewToken' | 'isPatient' | 'abort' | 'late'> {
  readonly passage: Passage;
  readonly file: string;
}

/** Brings the gateway to its hub on the screen. @returns the exit code, or SCOPE_DOUBTED where there is a person to ask */
export async function provisioned(here: Here, io: Io): Promise<number> {
  const { dialogue, abort } = here;
  const { complaint: why, exit } = await brought(here, io.env).catch(brokenOff);
  if (why !== undefined) io.err.write(`\n${complaint(why, screenOf(io.err, io.env))}`);
  if (exit !== EXIT.done && exit !== SCOPE_DOUBTED && dialogue.asks && !abort.aborted) dialogue.say(MORE);
  return exit;
}

const MORE = '`sudo newleaf check` looks at each thing by itself; `sudo newleaf init --ask` asks everything again.';

/** The screen is for a person, so of the daemon's own log only the fate of a leaf that was brought is shown on it. */
function logOn(dialogue: Dialogue): Log {
  const tell = ({ event, code, message = '', advice, cause, path }: Line) => {
    if (event !== 'inbox-rejected' && event !== 'inbox-waits') return;
    dialogue.wrong({ code, message, advice, cause });
    if (path !== undefined) dialogue.say(`The file is ${path}. init waits on.`);
  };
  return { error() {}, warn: tell, info: tell, debug() {} };
}

async function brought(here: Here, env: NodeJS.ProcessEnv): Promise<Shortfall> {
  const { file, dialogue, abort, passage } = here;
  const { config } = loadConfig(file, passage.handed?.toml);
  const { registration_id: registrationId, id_scope, endpoint } = config.dps;
  const { directory } = config.state;
  const held = await asDaemon(file, config, passage);
  dialogue.title(`Provisioning ${registrationId} (ID scope ${id_scope}, ${endpoint})`);
  await beginAnew(directory);
  const before = await readEntry(directory);
  const running = await start({ file, config, log: logOn(dialogue), env, held });
  if (!('tpm' in config)) dialogue.ok(`Token "${config.hsm.token ?? config.hsm.uri}" is open.`);
  const doubt = dialogue.asks ? scopeDoubted(running) : new AbortController().signal;
  const late = {
    forServers: AbortSignal.any([here.late.forServers, doubt]),
    forPerson: AbortSignal.any([here.late.forPerson, doubt]),
  };
  const watch = { ...here, running, config, late };
  const state = await provision(watch, before).finally(() => running.stop());
  if (serves(state) && !abort.aborted) {
    await finishInit(watch, state);
    return { exit: EXIT.done };
  }
  if (doubt.aborted && !abort.aborted) return { exit: SCOPE_DOUBTED };
  return shortfall(state, termsOf(config, builtAt), abort.aborted);
}

function brokenOff(error: unknown): Shortfall {
  const met = failureOf(error);
  return { complaint: met, exit: exitOf(met) };
}
