import { spawn } from 'node:child_process';
import { Socket } from 'node:net';
import { type Call, type JobAnswer, thisProgram, WORK } from './job.ts';

export interface NoAnswer {
  readonly why: 'late' | 'ended' | 'unstarted';
  /** Its signal, its exit code, or the system's error at the start. */
  readonly how: string;
}

export interface WorkerOptions<Failed> {
  /** Name of the job, and its words on the command line: never a secret. */
  readonly job: readonly [name: string, ...args: readonly string[]];
  /** Longest time for one call, in milliseconds, or that by its name: then the process is killed. */
  readonly limitMs: number | ((name: string) => number);
  /**
   * With it there is a process only while there are calls, and so long after the last one. Without it there is one process in
   * all: when that is gone, every later call fails as the last one did.
   */
  readonly lingerMs?: number;
  /** argv before that of the program, such as setpriv's. */
  readonly prefix?: readonly string[];
  /** A session of its own, as each that is cut off has: Ctrl-C on the terminal does not interrupt the token in its work. */
  readonly isDetached?: boolean;
  /** The module's own output on stderr is dropped: pkcs11-spy writes the PIN. */
  readonly isQuiet?: boolean;
  /** It changes nothing, so `end` kills it, and so does the end of this process. */
  readonly isKillable?: boolean;
  /** This process ends without waiting for it, and so kills it in the middle of its work, as a power cut would. */
  readonly isCutOff?: boolean;
  /** Makes an error of the words of `Job.explain`. */
  readonly revive: (failed: Failed) => Error;
  readonly unanswered: (none: NoAnswer, name: string) => Error;
}

/** Answers of a process that has ended are read in a moment. */
const UNREAD_MS = 1_000;

type Calls<C> = { [Name in keyof C]: (...asked: never[]) => unknown };
type Got<C extends Calls<C>, Name extends keyof C> = Awaited<ReturnType<C[Name]>>;

/**
 * Has calls performed by a job in a process of its own, started at the first call. Arguments and answers, secrets and bytes
 * among them, go over a channel that only the two processes have (a pair of sockets).
 */
export class Worker<C extends Calls<C>, Failed = never> {
  readonly #options: WorkerOptions<Failed>;
  #talk: ReturnType<typeof start> | undefined;
  #lingering: NodeJS.Timeout | undefined;
  #gone: Error | undefined;

  constructor(options: WorkerOptions<Failed>) {
    this.#options = options;
  }

  /** Calls may overlap. The last answer of a process is handed on when the process has ended. */
  async ask<Name extends keyof C & string>(name: Name, ...asked: Parameters<C[Name]>): Promise<Got<C, Name>> {
    const { lingerMs, revive, unanswered } = this.#options;
    if (this.#gone !== undefined) throw this.#gone;
    clearTimeout(this.#lingering);
    if (this.#talk?.isOver() !== false) this.#talk = start(this.#options);
    const talk = this.#talk;
    const said = await talk.ask(name, asked);
    if (lingerMs !== undefined && talk.isIdle()) this.#lingering = setTimeout(talk.end, lingerMs).unref();
    // Both ends are this program, so the value is the answer to the call.
    if ('value' in said) return said.value as Got<C, Name>;
    if ('failed' in said) throw revive(said.failed as Failed);
    const error = this.#gone ?? unanswered(said, name);
    if (lingerMs === undefined) this.#gone = error;
    throw error;
  }

  /** Ends the process: at once where it may be killed, or else after its current calls. */
  end(): void {
    clearTimeout(this.#lingering);
    this.#talk?.end();
  }
}

/** One process, from its start to its end. */
function start({ job, limitMs, prefix = [], ...options }: WorkerOptions<never>) {
  const { isKillable = false, isCutOff = false, isDetached = false, isQuiet = false } = options;
  const [file = '', ...args] = [...prefix, ...thisProgram(), WORK, ...job];
  // Modules are known to write to stdout, which is for the answers of this program.
  const stdio = ['ignore', 'ignore', isQuiet ? 'ignore' : 'inherit', 'ipc'] as const;
  const child = spawn(file, args, { stdio: [...stdio], serialization: 'advanced', detached: isDetached || isCutOff });
  const { pid } = child;
  const waiting = new Map<number, (said: JobAnswer | NoAnswer) => void>();
  let count = 0;
  /** It accepts no more calls. */
  let isOver = false;
  let last: JobAnswer | undefined;
  /** Once it has ended: told when its last answer was read. */
  let gone: (() => void) | undefined;

  const kill = () => child.kill('SIGKILL');
  const end = () => {
    isOver = true;
    if (isKillable) kill();
    else if (waiting.size === 0 && child.connected) child.disconnect();
  };
  const over = (none: NoAnswer) => {
    isOver = true;
    for (const [number, hear] of waiting) hear(number === last?.number ? last : none);
  };
  // A module that hangs does not see its channel close.
  if (pid !== undefined && (isKillable || isCutOff)) process.once('exit', kill);
  if (isCutOff) {
    child.unref();
    child.channel?.unref();
  }
  // systemd ends what a service leaves behind, and only it sets $INVOCATION_ID.
  const isLeft = isCutOff && process.env.INVOCATION_ID === undefined;
  const ended = pid !== undefined && isLeft ? killedAfterUs(pid) : undefined;
  child.on('message', (said: JobAnswer) => {
    if (said.isLast) last = said;
    else waiting.get(said.number)?.(said);
    if (said.isLast || isOver) end();
    if (said.isLast) gone?.();
  });
  child.on('error', ({ message }) => over({ why: 'unstarted', how: message }));
  // Node tells no `close` where this end has disconnected, nor where a module has forked: its child has the channel, too.
  child.once('exit', (code, signal) => {
    process.off('exit', kill);
    ended?.();
    gone = () => {
      over({ why: 'ended', how: signal ?? `exit code ${code}` });
      if (child.connected) child.disconnect();
    };
    if (last !== undefined) gone();
    else setTimeout(gone, UNREAD_MS).unref();
  });
  // All answers have been read before this, which is not so with `exit`.
  child.once('close', () => gone?.());
  return {
    ask: (name: string, asked: readonly unknown[]) =>
      new Promise<JobAnswer | NoAnswer>((resolve) => {
        count += 1;
        const call: Call = { number: count, name, asked };
        const late = () => {
          kill();
          over({ why: 'late', how: 'SIGKILL' });
        };
        const limit = setTimeout(late, typeof limitMs === 'number' ? limitMs : limitMs(name));
        if (isCutOff) limit.unref();
        waiting.set(call.number, (said) => {
          clearTimeout(limit);
          waiting.delete(call.number);
          resolve(said);
        });
        // A process that is gone is reported by its end.
        child.send(call, () => undefined);
      }),
    isIdle: () => !isOver && waiting.size === 0,
    isOver: () => isOver,
    end,
  };
}

/**
 * Has a shell kill a process as soon as this one is gone, also by SIGKILL: a process that hangs in its module does not hear that
 * its channel is closed.
 * @returns to be called when the process has ended
 */
function killedAfterUs(pid: number): () => void {
  const command = ['-c', `read -r _ || kill -9 ${pid}`];
  const shell = spawn('/bin/sh', command, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
  const { stdin } = shell;
  for (const one of [shell, stdin]) one.on('error', () => {});
  shell.unref();
  if (stdin instanceof Socket) stdin.unref();
  return () => stdin.end('\n');
}
