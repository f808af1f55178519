import { configPath, loadConfig } from '../../config/config.ts';
import { EXIT, exitOf } from '../../failure/exit.ts';
import { failureOf } from '../../failure/failure-of.ts';
import type { Passage } from '../../machine/as-daemon.ts';
import type { Log } from '../../machine/log.ts';
import { validateEntry } from '../../state/entry.ts';
import { createJournal } from '../../state/journal.ts';
import { readEndorsement, renderEndorsement } from '../endorsement.ts';
import { type Complaint, command, complaint, type Io, type Run, textOption } from '../kit/command.ts';
import type { ParsedArguments } from '../kit/parse.ts';
import { screenOf } from '../kit/screen.ts';
import { asDaemon, start } from '../run/command.ts';
import { ask, isAsked, socketOf } from './ask.ts';
import { standing } from './configuration.ts';
import { Dialogue } from './dialogue.ts';
import { finishInit, type Shortfall, shortfall } from './finish.ts';
import { demandIdle, demandRoot } from './idle.ts';
import { Interrupted, terminalPrompt } from './prompt.ts';
import { provision } from './provision.ts';
import { serves } from './watch.ts';

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
export const init = (options: InitOptions): Run =>
  command(async (args, io) => {
    const { stdin, stdout } = options;
    const file = configPath(textOption(args, 'config'), io.env);
    const hasTerminal = stdin.isTTY === true && io.out.isTTY === true && args.options.yes !== true;
    const prompt = hasTerminal ? terminalPrompt(stdin, stdout) : undefined;
    const dialogue = new Dialogue(io.out, screenOf(io.out, io.env), prompt);
    const interrupt = onInterrupt();
    // Root has asked already, and this process goes on with the command.
    if (options.passage.handed === undefined) await asked({ ...options, args, file, dialogue, interrupt }, io);
    const isPatient = hasTerminal || args.options.wait === true;
    const ended = await provisionHere({ ...options, file, dialogue, isPatient, abort: interrupt.signal }, io);
    if (ended !== EXIT.done && hasTerminal && !interrupt.signal.aborted) dialogue.say(MORE);
    return ended;
  });

interface Asking extends InitOptions {
  readonly args: ParsedArguments;
  readonly file: string;
  readonly dialogue: Dialogue;
  readonly interrupt: Interrupt;
}

/** Asks for the missing settings. */
async function asked({ args, file, dialogue, stdin, interrupt }: Asking, io: Io): Promise<void> {
  demandRoot(file);
  const before = standing(file, args.options.ask === true);
  await demandIdle(socketOf(before));
  if (!isAsked(args, before)) return;
  const asking = ask({ args, file, before, dialogue, stdin });
  await Promise.race([asking, interrupt.thrown]).catch((error: unknown) => {
    if (!(error instanceof Interrupted)) throw error;
    io.err.write(complaint(STOPPED, screenOf(io.err, io.env)));
    // A module may be at work in another process: that one ends by itself.
    process.exit(EXIT.failed);
  });
}

const MORE = '`sudo newleaf check` looks at each thing by itself; `sudo newleaf init --ask` asks everything again.';

const STOPPED = { message: 'Stopped.', advice: 'Run newleaf init again: it goes on from the last step.' };

interface Here extends InitOptions {
  readonly file: string;
  readonly dialogue: Dialogue;
  readonly isPatient: boolean;
  readonly abort: AbortSignal;
}

/** Provisions the gateway, and shows every failure on the screen. */
async function provisionHere(here: Here, io: Io): Promise<number> {
  const tell = (what: Complaint) => io.err.write(`\n${complaint(what, screenOf(io.err, io.env))}`);
  try {
    const { complaint: why, exit } = await provisioned(here, io);
    if (why !== undefined) tell(why);
    return exit;
  } catch (error) {
    const met = failureOf(error);
    tell(met);
    return exitOf(met);
  }
}

/** Runs the daemon in this process, as its user, until the gateway serves. */
async function provisioned(here: Here, io: Io): Promise<Shortfall> {
  const { file, dialogue, isPatient, abort, passage } = here;
  const { config } = loadConfig(file, passage.handed?.toml);
  const { registration_id: registrationId, id_scope, endpoint } = config.dps;
  const { directory } = config.state;
  const held = await asDaemon(file, config, passage);
  dialogue.title(`Provisioning ${registrationId} (ID scope ${id_scope}, ${endpoint})`);
  const entry = await createJournal({ directory, validate: validateEntry }).read();
  const running = await start({ config, log: quiet, env: io.env, held });
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

interface Interrupt {
  readonly signal: AbortSignal;
  readonly thrown: Promise<never>;
}

/** The first Ctrl-C ends in order. */
function onInterrupt(): Interrupt {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  const thrown = new Promise<never>((_, reject) => {
    controller.signal.addEventListener('abort', () => reject(new Interrupted()), { once: true });
  });
  thrown.catch(() => undefined);
  return { signal: controller.signal, thrown };
}
