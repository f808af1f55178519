import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';

/** The person at the terminal wants to stop (Ctrl-C, Ctrl-D). */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  constructor() {
    super('interrupted');
  }
}

/** The person wants to answer the question before once more. */
export class Back extends Error {
  override readonly name = 'Back';

  constructor() {
    super('back');
  }
}

/** `back` is a no, where no asks the question before again. @throws what is not Back */
export function toNo(error: unknown): false {
  if (error instanceof Back) return false;
  throw error;
}

/** The person in front of the terminal. `line` and `secret` reject with Interrupted. */
export interface Prompt {
  /** A line, without blanks around it. */
  line(words: string): Promise<string>;
  /** The same without showing it. */
  secret(words: string): Promise<string>;
  /** Resolves when Enter is pressed between two questions, also in another process of init; or when `abort` fires. */
  enter(abort: AbortSignal): Promise<void>;
  /** From here on, keys that are typed while nothing is asked are neither shown nor taken. */
  hold(): void;
  /** The terminal as it was. */
  release(): void;
}

/** The part of process.stdin that a prompt uses. */
export type TypedKeys = NodeJS.ReadableStream & { setRawMode?(isRaw: boolean): unknown };

const KEY = { interrupt: '\u0003', quit: '\u001c', suspend: '\u001a' } as const;

const TOO_EARLY = '  (only the first line is an answer: what was typed before its question is not taken)\n';

export function terminalPrompt(input: TypedKeys, output: NodeJS.WritableStream): Prompt {
  const idle = new Idle(input);
  let isTold = false;
  const tellOnce = () => {
    if (!isTold && idle.wasTyped) output.write(TOO_EARLY);
    isTold ||= idle.wasTyped;
  };
  const ask = async (words: string, isSecret: boolean): Promise<string> => {
    idle.end();
    tellOnce();
    let isShown = true;
    const screen = new Writable({
      write(chunk, _encoding, done) {
        if (isShown) output.write(chunk);
        done();
      },
    });
    const line = createInterface({ input, output: screen, terminal: true, historySize: 0 });
    try {
      return await new Promise((resolve, reject) => {
        line.once('SIGINT', () => reject(new Interrupted()));
        line.once('close', () => reject(new Interrupted()));
        // `fg` after Ctrl-Z: readline has paused, and nothing else keeps the process.
        line.on('SIGCONT', () => {
          input.setRawMode?.(true);
          if (!isSecret) return line.prompt(true);
          output.write(words);
          forget(line);
        });
        line.question(words, (typed) => {
          isShown = false;
          line.on('line', () => idle.note());
          resolve(typed.trim());
        });
        isShown = !isSecret;
      });
    } catch (error) {
      output.write('\n');
      throw error;
    } finally {
      isShown = false;
      line.close();
      idle.begin();
    }
  };
  return {
    line: (words) => ask(words, false),
    async secret(words) {
      const typed = await ask(words, true);
      output.write('\n');
      return typed;
    },
    // It is a signal (Idle), as the process that waits is not always the one that has the terminal.
    enter: async (abort) => {
      await once(process, 'SIGCONT', { signal: abort }).catch(() => undefined);
    },
    hold: () => idle.start(),
    release: () => idle.stop(),
  };
}

/** Deletes the line: what was typed of a secret before cannot be seen. */
function forget(line: Interface): void {
  line.write(null, { ctrl: true, name: 'e' });
  line.write(null, { ctrl: true, name: 'u' });
}

/** The processes of init, as the driver of a terminal does it: one of them may be another user's, which that could not signal. */
const signalAll = (signal: NodeJS.Signals) => process.kill(0, signal);

/**
 * The terminal between two questions. In raw mode it echoes nothing, and its driver makes no signals: the keys for them are
 * obeyed here.
 */
class Idle {
  readonly #input: TypedKeys;
  #isOn = false;
  #isIdle = false;
  #isTyping = false;
  /** Text was typed that is no answer. */
  wasTyped = false;

  constructor(input: TypedKeys) {
    this.#input = input;
  }

  note(): void {
    this.wasTyped = true;
  }

  start(): void {
    this.#isOn = true;
    this.begin();
  }

  stop(): void {
    this.end();
    this.#isOn = false;
  }

  begin(): void {
    if (!this.#isOn || this.#isIdle) return;
    this.#isIdle = true;
    this.#input.setRawMode?.(true);
    this.#input.on('data', this.#take).resume();
    process.on('SIGCONT', this.#goOn);
  }

  end(): void {
    if (!this.#isIdle) return;
    this.#isIdle = false;
    process.off('SIGCONT', this.#goOn);
    this.#input.off('data', this.#take).pause();
    this.#input.setRawMode?.(false);
  }

  readonly #goOn = () => this.#input.setRawMode?.(true);

  readonly #take = (typed: Buffer | string) => {
    const keys = typed.toString();
    this.#isTyping ||= /[^\r\n\p{Cc}]/u.test(keys);
    if (/[\r\n]/.test(keys)) {
      if (this.#isTyping) this.note();
      this.#isTyping = false;
      signalAll('SIGCONT');
    }
    if (keys.includes(KEY.interrupt)) signalAll('SIGINT');
    if (keys.includes(KEY.quit)) signalAll('SIGQUIT');
    if (!keys.includes(KEY.suspend)) return;
    this.#input.setRawMode?.(false);
    signalAll('SIGTSTP');
  };
}
