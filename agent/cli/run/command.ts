import { writeFileSync } from 'node:fs';
import { onWire } from '../../ask/wire.ts';
import type { Given } from '../../assembly/foundation.ts';
import { type Config, configPath, instanceOf, loadConfig } from '../../config/config.ts';
import { NOT_SET_UP } from '../../config/read.ts';
import { termsOf } from '../../config/terms.ts';
import { type Control, serveControl } from '../../control/server.ts';
import type { Daemon, Ending } from '../../daemon/daemon.ts';
import { metricsOf } from '../../daemon/metrics.ts';
import { EXIT, exitOf } from '../../failure/exit.ts';
import { type Failure, failure, sentence } from '../../failure/failure.ts';
import { failureOf } from '../../failure/failure-of.ts';
import { watchInbox } from '../../inbox/inbox.ts';
import type { Held, Passage } from '../../machine/as-daemon.ts';
import { builtAt } from '../../machine/build.ts';
import { failureFields } from '../../machine/failure-fields.ts';
import { createLog, type Log } from '../../machine/log.ts';
import { createNotify } from '../../machine/notify.ts';
import { noteDirectory } from '../../machine/runtime-directory.ts';
import { SharedSession } from '../../mqtt/hub-session.ts';
import { isCredible } from '../../roll/terms.ts';
import { type Crashes, crashesBefore } from '../../state/crash.ts';
import { assertNotEnded } from '../../state/journal.ts';
import { FORGET_MS, forgetStart, forgetWords, lastWords, leaveWords } from '../../state/last-words.ts';
import { type Lock, takeLock } from '../../state/lock.ts';
import { StartNote } from '../../state/start-note.ts';
import { systemClock } from '../../time/clock.ts';
import { LazyUplink } from '../../uplink/lazy-uplink.ts';
import type { UplinkSettings } from '../../uplink/options.ts';
import { command, type Run, textOption } from '../kit/command.ts';

/** What `run` and `init` have in common. */
export interface Running {
  readonly daemon: Daemon;
  readonly uplink: LazyUplink;
  /** Ends the daemon, its socket and its lock. */
  stop(): Promise<Ending>;
  /** Fulfilled when the daemon has ended; rejected when its state file is corrupt. */
  readonly ended: Promise<Ending>;
}

export interface StartOptions {
  /** The path of the configuration. */
  readonly file: string;
  readonly config: Config;
  readonly log: Log;
  readonly env: NodeJS.ProcessEnv;
  /** The PIN, where only root may read it and has. */
  readonly held: Held;
  readonly crashes?: Crashes;
}

type Assembled = (options: StartOptions & Pick<Given, 'uplink' | 'beside'>) => Promise<Daemon>;

/**
 * Starts the daemon with its control socket, one for each state directory.
 * @param held the lock, where the caller has it already; it is released with the daemon
 * @param assemble puts the daemon together, with the token and the far side
 * @throws TokenError, Fault
 */
export async function start(options: StartOptions, held?: Lock, assemble = assembled): Promise<Running> {
  const { config, log } = options;
  const { directory } = config.state;
  const lock = held ?? (await takeLock(directory));
  const abort = new AbortController();
  let control: Control | undefined;
  let uplink: LazyUplink | undefined;
  let inbox: Awaited<ReturnType<typeof watchInbox>> | undefined;
  try {
    // First of all: the token of a decommissioned gateway may be gone, and the exit code for that would be the wrong one.
    await assertNotEnded(directory);
    const session = new SharedSession();
    const uplinked = { user: session, status: () => uplink?.status(), reported: () => uplink?.reported() };
    const daemon = await assemble({ ...options, uplink: uplinked, beside: () => inbox?.waiting() });
    const terms = termsOf(config, builtAt);
    const now = () => (isCredible(daemon.state, terms, Date.now()) ? Date.now() : undefined);
    const settings = uplinkOf(config);
    const issuer = 'tpm' in config ? undefined : config.issuer.kind;
    const programs = await LazyUplink.open({
      settings,
      session,
      clock: systemClock,
      now,
      earliest: builtAt,
      log,
      env: options.env,
    });
    uplink = programs;
    control = await serveControl({
      socket: config.control.socket,
      answer: onWire(daemon.answer, () => programs.status(), terms.automatic),
      subscribe: (listener) => daemon.subscribe(listener),
      metrics: () => metricsOf(daemon.state, daemon, issuer) + programs.metrics(),
      uplink: programs,
      log,
    });
    inbox = await watchInbox({ directory, answer: daemon.answer, clock: systemClock, log });
    const ended = daemon.run(abort.signal).finally(async () => {
      await inbox?.close();
      await control?.close();
      await programs.close();
      await lock.release();
    });
    // Without a listener the rejection would end the process as a crash does, and systemd would start it again and again.
    ended.catch(() => {});
    const stop = () => {
      abort.abort();
      return ended;
    };
    return { daemon, uplink: programs, ended, stop };
  } catch (error) {
    await uplink?.close();
    await lock.release();
    throw error;
  }
}

function uplinkOf({ state, uplink }: Config): UplinkSettings {
  const { sockets, tcp, hosts, max_bytes: maxBytes, max_age: maxAgeMs, when_full: whenFull, rate } = uplink;
  return { directory: state.directory, sockets, tcp, hosts, maxBytes, maxAgeMs, whenFull, rate };
}

/** Loads only the code that the attestation needs. */
const assembled: Assembled = async ({ config, held, crashes, ...shared }) => {
  if ('tpm' in config) {
    const { assembleTpm } = await import('../../assembly/tpm.ts');
    return assembleTpm({ config, ...shared });
  }
  const { assemble } = await import('../../assembly/x509.ts');
  return assemble({ config, ...shared, ...held, isCrashing: (crashes?.times ?? 0) > 1 });
};

/** `newleaf run`: until SIGTERM or SIGINT. @param passage goes on as the daemon */
export const run = (passage: Passage): Run =>
  command(async (args, { env }) => {
    const path = configPath(textOption(args, 'config'), env);
    try {
      const { file, config } = loadConfig(path, passage.handed?.toml);
      const log = createLog({ level: config.log.level, env });
      return await serve({ file, config, log, env, held: await asDaemon(file, config, passage) });
    } catch (error) {
      const met = failureOf(error);
      const { hasUnit, state } = instanceOf(path);
      // Root may read what the daemon may not: without them `status` would not know why.
      const isWord = hasUnit && process.geteuid?.() !== 0 && met.message !== NOT_SET_UP;
      await (isWord ? sayWhy(state, env, met) : tellSystemd(env, met));
      throw error;
    }
  });

/** `systemctl status` shows it even after the daemon has ended. */
const tellSystemd = (env: NodeJS.ProcessEnv, failure: Failure) => createNotify(env, () => {}).status(sentence(failure));

/**
 * Called by root, the command works as the user of the daemon: otherwise the daemon could not use the files that it writes.
 * The unit starts it as that user, and loads nothing of this.
 */
export async function asDaemon(file: string, config: Config, passage: Passage): Promise<Held> {
  if (process.geteuid?.() !== 0 && passage.handed === undefined) return {};
  const { becomeDaemon } = await import('../../machine/as-daemon.ts');
  return becomeDaemon(file, config, passage);
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * The name in `systemctl status`, `ps` and `pgrep`, where Node 20 calls itself "node", and 24 "MainThread". `process.title`
 * would overwrite the command line as well (proc_pid_comm(5)).
 */
function callItself(name: string): void {
  try {
    writeFileSync('/proc/self/comm', name);
  } catch {
    // It is only a name: a sandbox may forbid it.
  }
}

async function serve(given: StartOptions): Promise<number> {
  const { log, env, config } = given;
  callItself('newleaf');
  // Crash-only: work in flight is in the journal, and systemd starts the next process.
  process.on('uncaughtException', (error) => {
    log.error({ event: 'crashed', ...failureFields(failureOf(error)) });
    process.exit(EXIT.restart);
  });
  const options = {
    ...given,
    crashes: await crashesBefore(noteDirectory(env) ?? config.state.directory, config.state.directory),
  };
  await tellCrash(options);
  const note = new StartNote(noteDirectory(env));
  // While it rests it has no lock, so `status` tells why it rests.
  if (!(await rested(await note.owedMs(), options))) {
    await note.remove();
    return EXIT.done;
  }
  let lock: Lock;
  try {
    lock = await takeLock(config.state.directory);
  } catch (error) {
    return fallen(options, error);
  }
  await note.leave();
  const code = await lived(options, lock);
  // The next start is deliberate, so it need not wait.
  if (code !== EXIT.failed && code !== EXIT.restart) await note.remove();
  return code;
}

/** The daemon before could not tell it. */
async function tellCrash(options: StartOptions & { readonly crashes: Crashes }): Promise<void> {
  const { untold, times } = options.crashes;
  if (untold === undefined) return;
  options.log.error({ event: 'crashed', ...failureFields(untold) });
  await sayWhy(options.config.state.directory, options.env, untold, times);
}

/** Waits if the previous daemon ended by a fault a moment ago. @returns false when told to end meanwhile */
async function rested(ms: number, { log, env, config }: StartOptions): Promise<boolean> {
  if (ms === 0) return true;
  const abort = new AbortController();
  const end = () => abort.abort();
  for (const signal of SIGNALS) process.once(signal, end);
  const message = `newleaf has just ended by a fault: it leaves the token alone for ${Math.ceil(ms / 1000)} seconds.`;
  log.info({ event: 'resting', message });
  const last = await lastWords(config.state.directory);
  const why = last === undefined ? '' : `${sentence(last)} `;
  await createNotify(env, () => {}).status(`${why}${message}`);
  await systemClock.sleep(ms, abort.signal);
  // While the token is being opened, a signal ends the process directly: a hung module would keep our listener from running.
  for (const signal of SIGNALS) process.off(signal, end);
  return !abort.signal.aborted;
}

/** From the start of the daemon to its end. @returns the exit code */
async function lived(options: StartOptions, lock: Lock): Promise<number> {
  const { config, log } = options;
  try {
    const { daemon, ended, stop } = await start(options, lock);
    for (const signal of SIGNALS) process.once(signal, () => void stop().catch(() => {}));
    void daemon.begun.then(() => forgetStart(config.state.directory)).catch(() => {});
    const forget = () => forgetWords(config.state.directory).catch(() => {});
    const forgetting = setTimeout(forget, FORGET_MS).unref();
    const ending = await ended.finally(() => clearTimeout(forgetting));
    log.info({ event: 'ended', reason: ending });
    if (ending !== 'restart') {
      await forget();
      return EXIT.done;
    }
    await sayWhy(config.state.directory, options.env, daemon.why ?? failure('NL-TOKEN-POISONED'));
    return EXIT.restart;
  } catch (error) {
    return fallen(options, error);
  }
}

/** @returns the exit code */
async function fallen(options: StartOptions, error: unknown): Promise<number> {
  const met = failureOf(error);
  options.log.error({ event: 'ended', ...failureFields(met) });
  // Where another daemon runs, this one leaves no last words; nor in a directory whose state says it already.
  await (['NL-DAEMON-RUNS', 'NL-STATE-DECOMMISSIONED'].includes(met.code)
    ? tellSystemd(options.env, met)
    : sayWhy(options.config.state.directory, options.env, met));
  return exitOf(met);
}

/** Tells the reason to `systemctl status` and to `newleaf status`. */
async function sayWhy(directory: string, env: NodeJS.ProcessEnv, why: Failure, times?: number): Promise<void> {
  await tellSystemd(env, why);
  // On a full disk only these last words are lost.
  await leaveWords(directory, why, Date.now(), times).catch(() => {});
}
