import { createInterface } from 'node:readline';
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

/** The person in front of the terminal. `line` and `secret` reject with Interrupted. */
export interface Prompt {
  /** A line, without blanks around it. */
  line(words: string): Promise<string>;
  /** The same without showing it. */
  secret(words: string): Promise<string>;
  /** Resolves when Enter is pressed, or when `abort` fires. */
  enter(abort: AbortSignal): Promise<void>;
}

/** The terminal is in raw mode only while a question stands: at other times Ctrl-C is a signal, as everywhere. */
export function terminalPrompt(input: NodeJS.ReadableStream, output: NodeJS.WritableStream): Prompt {
  const ask = async (words: string, isSecret: boolean): Promise<string> => {
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
        line.question(words, (typed) => resolve(typed.trim()));
        isShown = !isSecret;
      });
    } catch (error) {
      output.write('\n');
      throw error;
    } finally {
      isShown = false;
      line.close();
    }
  };
  return {
    line: (words) => ask(words, false),
    async secret(words) {
      const typed = await ask(words, true);
      output.write('\n');
      return typed;
    },
    enter: (abort) =>
      new Promise((resolve) => {
        const line = createInterface({ input, signal: abort });
        line.once('line', () => line.close());
        line.once('close', resolve);
      }),
  };
}
