import { configPath, loadConfig } from '../../config/config.ts';
import { EXIT } from '../../failure/exit.ts';
import { daemonAccount, type Passage, sentOn } from '../../machine/as-daemon.ts';
import { timeLimit } from '../../time/limited.ts';
import { command, complaint, Failed, type Io, type Run, textOption } from '../kit/command.ts';
import type { ParsedArguments } from '../kit/parse.ts';
import { Interrupted, terminalPrompt } from '../kit/prompt.ts';
import { screenOf } from '../kit/screen.ts';
import { timeoutOf } from '../timeout.ts';
import { type Asking, askConfiguration } from './ask.ts';
import { Dialogue, toNo } from './dialogue.ts';
import { onceAlone } from './idle.ts';
import { provisioned } from './provision.ts';
import { correctScope, SCOPE_DOUBTED } from './scope.ts';

type Terminal = Readonly<{ stdin: NodeJS.ReadStream; stdout: NodeJS.WriteStream }>;

/**
 * `newleaf init`: asks for the missing settings, then provisions the gateway on the screen, and ends. It may be interrupted at
 * any moment and run again; with a complete configuration it provisions at once.
 */
export const init = ({ passage, stdin, stdout }: Terminal & { readonly passage: Passage }): Run =>
  command(async (args, io) => {
    const file = configPath(textOption(args, 'config'), io.env);
    const hasTerminal = stdin.isTTY === true && io.out.isTTY === true && args.options.yes !== true;
    const prompt = hasTerminal ? terminalPrompt(stdin, stdout) : undefined;
    const dialogue = new Dialogue(io.out, screenOf(io.out, io.env), prompt);
    const given = timeoutOf(args);
    const ends = performance.now() + (passage.handed?.leftMs ?? given ?? STANDARD_MS);
    // The answers of a person take their time.
    const leftMs = () => (hasTerminal ? (given ?? STANDARD_MS) : Math.max(0, Math.round(ends - performance.now())));
    const isPatient = hasTerminal || args.options.wait === true;
    const { abort, stopped } = onStop(hasTerminal ? undefined : leftMs());
    const here = () => {
      const forServers = timeLimit(leftMs());
      // A person may take longer, unless the command line says how long.
      const forPerson = isPatient && given === undefined ? new AbortController().signal : forServers;
      const isNewToken = args.options['new-token'] !== undefined;
      const late = { forServers, forPerson };
      return provisioned({ passage, file, dialogue, isNewToken, isPatient, abort, late, env: io.env }, io);
    };
    // Root has asked already, and this process goes on with the command.
    if (passage.handed !== undefined) return here();
    let asking: Asking = { args, file, env: io.env, dialogue, stdin, stopped, alone: onceAlone() };
    const isBounded = !hasTerminal && (given !== undefined || !isPatient);
    const work = async () => {
      await askConfiguration(asking);
      for (;;) {
        const exit = (await sent(asking, passage, isBounded ? leftMs() : undefined)) ?? (await here());
        if (exit !== SCOPE_DOUBTED || abort.aborted) return exit;
        if (await correctScope(dialogue, file, io.env).then(() => true, toNo)) continue;
        // The options have brought it here.
        asking = { ...asking, args: { ...args, options: { ask: true } } };
        await askConfiguration(asking);
      }
    };
    // Also while it provisions, in this process or another: what is typed then is no answer to a later question.
    return dialogue.quiet(() => work().catch((error: unknown) => stop(error, asking.args, io)));
  });

/** Two minutes: a gateway on a slow link needs a few seconds; a script or a person should not wait longer than this. */
const STANDARD_MS = 120_000;

function stop(error: unknown, { options }: ParsedArguments, io: Io): never {
  if (!(error instanceof Interrupted || error instanceof Failed)) throw error;
  const again = options.ask === true ? '`newleaf init --ask`' : '`newleaf init`';
  const kept = `Run ${again} again: your answers are kept, and stand in brackets.`;
  const { message, advice } = error instanceof Failed ? error : { message: 'Stopped.', advice: kept };
  io.err.write(complaint({ message, advice }, screenOf(io.err, io.env)));
  // A module may be at work in another process: that one ends by itself.
  process.exit(EXIT.failed);
}

/** As root, the rest is for a process of the daemon's user, and this one remains to correct the configuration. */
async function sent({ file, dialogue }: Asking, passage: Passage, leftMs: number | undefined) {
  if (process.geteuid?.() !== 0) return undefined;
  const { config } = loadConfig(file);
  // The other process does not know what stands above its text.
  if (dialogue.hasSpoken && daemonAccount(file, config) !== undefined) dialogue.blank();
  return sentOn(file, config, passage, leftMs);
}

/** The first Ctrl-C ends in order. @param limitMs for everything, where there is a limit */
function onStop(limitMs: number | undefined) {
  const controller = new AbortController();
  const { signal: abort } = controller;
  process.once('SIGINT', () => controller.abort());
  const stopped = new Promise<never>((_, reject) => {
    abort.addEventListener('abort', () => reject(new Interrupted()), { once: true });
    if (limitMs === undefined) return;
    const late = new Failed('Not finished in time.', { advice: 'Run `newleaf init` again, with a longer --timeout.' });
    timeLimit(limitMs).addEventListener('abort', () => reject(late), { once: true });
  });
  stopped.catch(() => undefined);
  return { abort, stopped };
}
