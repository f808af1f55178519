import { configPath, loadConfig } from '../../config/config.ts';
import { EXIT, exitOf } from '../../failure/exit.ts';
import { failureOf } from '../../failure/failure-of.ts';
import type { Passage } from '../../machine/as-daemon.ts';
import type { Log } from '../../machine/log.ts';
import { validateEntry } from '../../state/entry.ts';
import { createJournal } from '../../state/journal.ts';
import { command, complaint, type Io, type Run, textOption } from '../kit/command.ts';
import { screenOf } from '../kit/screen.ts';
import { asDaemon, start } from '../run/command.ts';
import { readEndorsement, renderEndorsement } from '../tpm.ts';
import { type AskOptions, ask, isAsked, socketOf } from './ask.ts';
import { standing } from './configuration.ts';
import { Dialogue } from './dialogue.ts';
import { demandIdle, demandRoot } from './idle.ts';
import { Interrupted, terminalPrompt } from './prompt.ts';
import { finishInit, provision, type Shortfall, shortfall } from './provision.ts';
import { type DaemonWatch, serves } from './watch.ts';

export interface InitOptions {
  /** Goes on as the daemon. */
  readonly passage: Passage;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

/** The screen is for a person, so the daemon's own log is not shown on it. */
const quiet: Log = { error() {}, warn() {}, info() {}, debug() {} };

/**
 * `newleaf init`: asks for the missing settings, then provisions the gateway on the screen, and ends. It may be interrupted at
 * any moment and run again; with a complete configuration it provisions at once.
 */
export const init = ({ passage, stdin, stdout }: InitOptions): Run =>
  command(async (args, io) => {
    const file = configPath(textOption(args, 'config'), io.env);
    const hasTerminal = stdin.isTTY === true && io.out.isTTY === true && args.options.yes !== true;
    const prompt = hasTerminal ? terminalPrompt(stdin, stdout) : undefined;
    const dialogue = new Dialogue(io.out, screenOf(io.out, io.env), prompt);
    const { abort, thrown } = onInterrupt();
    // Root has asked already, and this process goes on with the command.
    if (passage.handed === undefined) await asked({ args, file, dialogue, stdin, interrupted: thrown }, io);
    const isPatient = hasTerminal || args.options.wait === true;
    const provisioning = provisioned({ passage, file, dialogue, isPatient, abort }, io.env);
    const { complaint: why, exit } = await provisioning.catch(brokenOff);
    if (why !== undefined) io.err.write(`\n${complaint(why, screenOf(io.err, io.env))}`);
    if (exit !== EXIT.done && hasTerminal && !abort.aborted) dialogue.say(MORE);
    return exit;
  });

async function asked(asking: Omit<AskOptions, 'before'>, io: Io): Promise<void> {
  const { args, file } = asking;
  demandRoot(file);
  const before = standing(file, args.options.ask === true);
  await demandIdle(socketOf(before));
  if (!isAsked(args, before)) return;
  await ask({ ...asking, before }).catch((error: unknown) => {
    if (!(error instanceof Interrupted)) throw error;
    io.err.write(complaint(STOPPED, screenOf(io.err, io.env)));
    // A module may be at work in another process: that one ends by itself.
    process.exit(EXIT.failed);
  });
}

const MORE = '`sudo newleaf check` looks at each thing by itself; `sudo newleaf init --ask` asks everything again.';

const STOPPED = { message: 'Stopped.', advice: 'Run newleaf init again: it goes on from the last step.' };

interface Here extends Pick<InitOptions, 'passage'>, Pick<DaemonWatch, 'dialogue' | 'isPatient' | 'abort'> {
  readonly file: string;
}

/** Runs the daemon in this process, as its user, until the gateway serves. */
async function provisioned(here: Here, env: NodeJS.ProcessEnv): Promise<Shortfall> {
  const { file, dialogue, isPatient, abort, passage } = here;
  const { config } = loadConfig(file, passage.handed?.toml);
  const { registration_id: registrationId, id_scope, endpoint } = config.dps;
  const { directory } = config.state;
  const held = await asDaemon(file, config, passage);
  dialogue.title(`Provisioning ${registrationId} (ID scope ${id_scope}, ${endpoint})`);
  const entry = await createJournal({ directory, validate: validateEntry }).read();
  const running = await start({ config, log: quiet, env, held });
  const isTpm = 'tpm' in config;
  if (!isTpm) dialogue.ok(`Token "${config.hsm.token ?? config.hsm.uri}" is open.`);
  const endorsement = async () => renderEndorsement(await readEndorsement(config), dialogue.screen);
  const shown = { dialogue, registrationId, stateDirectory: directory, endorsement: isTpm ? endorsement : undefined };
  const watch = { running, ...shown, isPatient, abort };
  const state = await provision(watch, isTpm ? undefined : config.issuer, entry).finally(() => running.stop());
  if (serves(state) && !abort.aborted) {
    finishInit(watch, state);
    return { exit: EXIT.done };
  }
  return shortfall(state, abort.aborted);
}

function brokenOff(error: unknown): Shortfall {
  const met = failureOf(error);
  return { complaint: met, exit: exitOf(met) };
}

/** The first Ctrl-C ends in order. */
function onInterrupt() {
  const controller = new AbortController();
  const { signal: abort } = controller;
  process.once('SIGINT', () => controller.abort());
  const thrown = new Promise<never>((_, reject) => {
    abort.addEventListener('abort', () => reject(new Interrupted()), { once: true });
  });
  thrown.catch(() => undefined);
  return { abort, thrown };
}
