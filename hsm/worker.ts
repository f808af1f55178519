import { type ChildProcess, spawn } from 'node:child_process';
import { type Answer, type Call, thisProgram, WORK } from './job.ts';

/** Why there is no answer. */
export interface Silence {
  readonly why: 'late' | 'ended' | 'unstarted';
  /** Its signal, its exit code, or what the system says of the start. */
  readonly how: string;
}

export interface WorkerOptions<Failed> {
  /** Name of the job, and what follows it on the command line: never a secret. */
  readonly job: readonly [name: string, ...args: readonly string[]];
  /** Longest time for one call, in milliseconds: then the process is killed. */
  readonly limitMs: number;
  /**
   * With it there is a process only while there are calls, and so long after the last one. Without it there is one process
   * in all: when that is gone, every later call fails as the last one did.
   */
  readonly lingerMs?: number;
  /** argv that goes before that of the program, such as setpriv's. */
  readonly prefix?: readonly string[];
  /** A session of its own: Ctrl-C on the terminal does not cut the token off in the middle of something. */
  readonly isDetached?: boolean;
  /** What a module writes to stderr by itself is dropped: pkcs11-spy writes the PIN. */
  readonly isQuiet?: boolean;
  /** It changes nothing, so it is killed when it is told to end, and when this process ends. */
  readonly isCut?: boolean;
  /** The error for what `Job.explain` has told. */
  readonly met: (failed: Failed) => Error;
  /** The error for no answer to this call. */
  readonly silent: (silence: Silence, name: string) => Error;
}

type Calls<C> = { [Name in keyof C]: (...asked: never[]) => unknown };

/**
 * Has calls performed by a job in a process of its own, started when there is a call. Arguments and answers, secrets and
 * bytes among them, go over a channel that only the two processes have (a pair of sockets).
 */
export class Worker<C extends Calls<C>, Failed = never> {
  readonly #options: WorkerOptions<Failed>;
  #talk: Talk | undefined;
  #lingering: NodeJS.Timeout | undefined;
  #gone: Error | undefined;

  constructor(options: WorkerOptions<Failed>) {
    this.#options = options;
  }

  /** Calls may overlap. The answer that the process says is its last one is handed on when the process has ended. */
  async ask<Name extends keyof C & string>(
    name: Name,
    ...asked: Parameters<C[Name]>
  ): Promise<Awaited<ReturnType<C[Name]>>> {
    const { lingerMs, met, silent } = this.#options;
    if (this.#gone !== undefined) throw this.#gone;
    clearTimeout(this.#lingering);
    this.#talk ??= new Talk(this.#options);
    const talk = this.#talk;
    const said = await talk.ask(name, asked);
    if (talk.isOver && this.#talk === talk) this.#talk = undefined;
    if (this.#talk?.isIdle && lingerMs !== undefined) this.#lingering = setTimeout(() => this.end(), lingerMs).unref();
    if ('why' in said) {
      if (lingerMs !== undefined) throw silent(said, name);
      this.#gone ??= silent(said, name);
      throw this.#gone;
    }
    // Both ends are this very program, so what comes back is the answer to the call.
    if ('failed' in said) throw met(said.failed as Failed);
    return said.value as Awaited<ReturnType<C[Name]>>;
  }

  /** Ends the process: at once where it may be cut off, or else after what it has been asked. */
  end(): void {
    clearTimeout(this.#lingering);
    this.#talk?.end();
    this.#talk = undefined;
  }
}

interface Waiting {
  readonly timer: NodeJS.Timeout;
  readonly hear: (said: Answer | Silence) => void;
  /** The last answer of the process. */
  last?: Answer;
}

/** One process, from its start to its end. */
class Talk {
  readonly #options: WorkerOptions<never>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #count = 0;
  /** Nothing more can be asked of it. */
  isOver = false;

  constructor(options: WorkerOptions<never>) {
    this.#options = options;
    const { job, prefix = [], isDetached: detached = false, isQuiet, isCut } = options;
    const [file = '', ...args] = [...prefix, ...thisProgram(), WORK, ...job];
    // Modules are known to write to stdout, and what reads ours expects none of it.
    const stdio = ['ignore', 'ignore', isQuiet === true ? 'ignore' : 'inherit', 'ipc'] as const;
    const child = spawn(file, args, { stdio: [...stdio], serialization: 'advanced', detached });
    this.#child = child;
    // A module that hangs does not see its channel close.
    const kill = () => child.kill('SIGKILL');
    if (isCut === true) process.once('exit', kill);
    child.on('message', (said: Answer) => this.#hear(said));
    child.once('error', ({ message }) => this.#over({ why: 'unstarted', how: message }));
    // All that it has said is heard before this, which is not so with `exit`.
    child.once('close', (code, signal) => {
      process.off('exit', kill);
      this.#over({ why: 'ended', how: signal ?? `exit code ${code}` });
    });
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0;
  }

  ask(name: string, asked: readonly unknown[]): Promise<Answer | Silence> {
    this.#count += 1;
    const call: Call = { number: this.#count, name, asked };
    return new Promise((hear) => {
      const timer = setTimeout(() => this.#late(call.number), this.#options.limitMs);
      this.#waiting.set(call.number, { timer, hear });
      // A process that is gone is told by its end.
      this.#child.send(call, () => undefined);
    });
  }

  end(): void {
    this.isOver = true;
    if (this.#options.isCut === true) this.#child.kill('SIGKILL');
    else if (this.isIdle && this.#child.connected) this.#child.disconnect();
  }

  #hear(said: Answer): void {
    const waiting = this.#waiting.get(said.number);
    if (waiting === undefined) return;
    if (said.isLast) {
      this.isOver = true;
      waiting.last = said;
      return;
    }
    this.#settle(said.number, said);
    if (this.isOver && this.isIdle) this.end();
  }

  /** The first of those that wait is told first. */
  #late(number: number): void {
    this.#child.kill('SIGKILL');
    const silence: Silence = { why: 'late', how: 'SIGKILL' };
    this.#settle(number, silence);
    this.#over(silence);
  }

  #over(silence: Silence): void {
    this.isOver = true;
    for (const number of [...this.#waiting.keys()]) this.#settle(number, silence);
  }

  #settle(number: number, said: Answer | Silence): void {
    const waiting = this.#waiting.get(number);
    clearTimeout(waiting?.timer);
    this.#waiting.delete(number);
    waiting?.hear(waiting.last ?? said);
  }
}
