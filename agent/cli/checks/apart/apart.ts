import { type ChildProcess, spawn } from 'node:child_process';
import { Fault } from '../../../failure/failure.ts';
import type { Asked, Call, Question, Return, Told } from './questions.ts';

/** A module that speaks to its token over a network or a serial line takes its time, and a hung one takes for ever. */
const LIMIT_MS = 20_000;

interface Waiting {
  readonly question: Question;
  readonly timer: NodeJS.Timeout;
  resolve(told: unknown): void;
  reject(why: Fault): void;
}

/** What the module was doing, as the end of a sentence. */
const DOING: Readonly<Record<Question, string>> = {
  load: 'when it was loaded',
  slot: 'when it was asked for its tokens',
  open: 'at the login',
  find: 'when it looked for a key',
  findById: 'when it looked for a key',
  findByUri: 'when it looked for a key',
  describe: 'when it described a key',
  certificates: 'when it read a certificate',
  sign: 'when it signed',
  rehearse: 'when it signed for a TLS handshake',
  shake: 'when it signed for a TLS handshake',
  fetch: 'when it signed for a TLS handshake',
};

/**
 * The PKCS#11 module, loaded by a process of its own: a module that hangs or crashes takes that process with it, and not
 * the one that is to say so.
 */
export class Apart {
  readonly #command: readonly string[];
  readonly #module: string;
  readonly #limitMs: number;
  readonly #waiting = new Map<number, Waiting>();
  #child: ChildProcess | undefined;
  #count = 0;
  #gone: Fault | undefined;

  /**
   * @param command argv of a process that calls `answerParent` (child.ts)
   * @param module path of the module, for the words
   * @param limitMs for each question, in milliseconds
   */
  constructor(command: readonly string[], module: string, limitMs = LIMIT_MS) {
    this.#command = command;
    this.#module = module;
    this.#limitMs = limitMs;
  }

  /** @throws Fault: what the other process met; NL-TOKEN-HUNG where it gives no answer, or gave none before */
  ask<Q extends Question>(question: Q, ...asked: Asked<Q>): Promise<Told<Q>> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone);
    this.#child ??= this.#start();
    this.#count += 1;
    const call: Call = { number: this.#count, question, asked };
    return new Promise((resolve, reject) => {
      const late = `did not answer within ${this.#limitMs / 1000} s`;
      const timer = setTimeout(() => this.#giveUp(late, question), this.#limitMs);
      const told = resolve as (told: unknown) => void;
      this.#waiting.set(call.number, { question, timer, resolve: told, reject });
      // A process that is gone is told by its exit.
      this.#child?.send(call, () => undefined);
    });
  }

  /** Ends the other process, whatever it is doing. */
  end(): void {
    this.#child?.kill('SIGKILL');
  }

  #start(): ChildProcess {
    const [file = '', ...args] = this.#command;
    // Modules are known to write to stdout and stderr, and pkcs11-spy writes the PIN.
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], serialization: 'advanced' });
    child.on('message', (said: Return) => {
      const waiting = this.#take(said.number);
      if ('failure' in said) waiting?.reject(new Fault(said.failure.code, said.failure));
      else waiting?.resolve(said.told);
    });
    // One that hangs does not see its channel close.
    process.once('exit', () => child.kill('SIGKILL'));
    child.once('error', (cause) => this.#giveUp(`was not loaded, as no process can be started (${cause.message})`));
    child.once('exit', (code, signal) => {
      const [oldest] = this.#waiting.values();
      this.#giveUp(`ended the process that had loaded it (${signal ?? `exit code ${code}`})`, oldest?.question);
    });
    return child;
  }

  #take(number: number): Waiting | undefined {
    const waiting = this.#waiting.get(number);
    clearTimeout(waiting?.timer);
    this.#waiting.delete(number);
    return waiting;
  }

  #giveUp(why: string, question?: Question): void {
    const when = question === undefined ? '' : ` ${DOING[question]}`;
    this.#gone ??= new Fault('NL-TOKEN-HUNG', { message: `PKCS#11 module ${this.#module} ${why}${when}.` });
    this.end();
    for (const number of [...this.#waiting.keys()]) this.#take(number)?.reject(this.#gone);
  }
}
