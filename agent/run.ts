import { assemble } from './assembly.ts';
import { command, type Run, textOption } from './cli/command.ts';
import { systemClock } from './clock.ts';
import { type Config, configPath, loadConfig } from './config.ts';
import { type Control, serveControl } from './control.ts';
import type { Daemon, Ending } from './daemon.ts';
import { EXIT, exitOf } from './exit.ts';
import { watchInbox } from './inbox.ts';
import { takeLock } from './lock.ts';
import { createLog, failureFields, type Log } from './log.ts';
import { metricsOf } from './metrics.ts';
import { failureOf } from './thrown.ts';

/** What `run` and `init` have in common. */
export interface Running {
  readonly daemon: Daemon;
  /** Ends the daemon, its socket and its lock. */
  stop(): Promise<Ending>;
  /** Fulfilled when the daemon has ended; rejected when its state file is corrupt. */
  readonly ended: Promise<Ending>;
}

/**
 * Starts the daemon with its control socket, one for each state directory.
 * @throws TokenError, Fault
 */
export async function start(
  config: Config,
  log: Log,
  env: NodeJS.ProcessEnv,
  destroyer: readonly string[],
): Promise<Running> {
  const lock = await takeLock(config.state.directory);
  const abort = new AbortController();
  let control: Control | undefined;
  try {
    const daemon = await assemble({ config, log, env, destroyer });
    control = await serveControl({
      socket: config.control.socket,
      answer: daemon.answer,
      subscribe: (listener) => daemon.subscribe(listener),
      metrics: () => metricsOf(daemon.state),
      log,
    });
    const inbox = await watchInbox({
      directory: config.state.directory,
      answer: daemon.answer,
      clock: systemClock,
      log,
    });
    const ended = daemon.run(abort.signal).finally(async () => {
      await inbox.close();
      await control?.close();
      await lock.release();
    });
    const stop = () => {
      abort.abort();
      return ended;
    };
    return { daemon, ended, stop };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** `newleaf run`: until SIGTERM or SIGINT. @param destroyer argv of a process that destroys a key (hsm/destroy.ts) */
export const run = (destroyer: readonly string[]): Run =>
  command(async (args, { env }) =>
    serve(loadConfig(configPath(textOption(args, 'config'), env)).config, env, destroyer),
  );

async function serve(config: Config, env: NodeJS.ProcessEnv, destroyer: readonly string[]): Promise<number> {
  const log = createLog({ level: config.log.level, env });
  // Crash-only: whatever was in flight is in the journal, and systemd starts the next process.
  process.on('uncaughtException', (error) => {
    log.error({ event: 'crashed', ...failureFields(failureOf(error)) });
    process.exit(EXIT.restart);
  });
  try {
    const { ended, stop } = await start(config, log, env, destroyer);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop().catch(() => {}));
    const ending = await ended;
    log.info({ event: 'ended', reason: ending });
    return ending === 'restart' ? EXIT.restart : EXIT.done;
  } catch (error) {
    const failure = failureOf(error);
    log.error({ event: 'ended', ...failureFields(failure) });
    return exitOf(failure);
  }
}
