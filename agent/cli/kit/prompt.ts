import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import { type Readable, Writable } from 'node:stream';
import { Failed } from './command.ts';
import type { Output } from './screen.ts';

/** The person at the terminal wants to stop (Ctrl-C, Ctrl-D). */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  override readonly message = 'interrupted';
}

/** The person in front of the terminal, whose keys are shown and taken as answers only. */
export interface Prompt {
  /** A line, without blanks around it; or the same without showing it. @throws Interrupted */
  ask(words: string, how: 'line' | 'secret'): Promise<string>;
  /** Resolves when Enter is pressed between two questions, also in another process of init; or when `abort` fires. */
  enter(abort: AbortSignal): Promise<void>;
  /** From here on, keys that are typed while nothing is asked are neither shown nor taken. */
  hold(): void;
  /** The terminal as it was. */
  release(): void;
}

/** Where an answer is typed: the part of process.stdin that a prompt uses. */
export type Keyboard = Readable & { readonly isTTY?: boolean; setRawMode?(isRaw: boolean): unknown };

const TOO_EARLY = '  (only the first line is an answer: what was typed before its question is not taken)\n';

/** The processes of init, as the driver of a terminal does it: one of them may be another user's, which that could not signal. */
const signalAll = (signal: NodeJS.Signals) => process.kill(0, signal);

interface Asked {
  readonly words: string;
  readonly isSecret: boolean;
  /** Undefined where the person stops. */
  answered(typed: string | undefined): void;
}

/**
 * One readline for all questions and for the time between them: it keeps the terminal in raw mode, which echoes nothing, and in
 * which the driver makes no signals. So the keys for signals are obeyed here.
 */
export function terminalPrompt(input: Keyboard, output: Pick<Output, 'write'>): Prompt {
  let line: Interface | undefined;
  let asked: Asked | undefined;
  let isShown = false;
  let early: 'none' | 'typed' | 'told' = 'none';
  const screen = new Writable({
    write(chunk, _encoding, done) {
      if (isShown) output.write(chunk);
      done();
    },
  });
  const end = (typed: string | undefined) => {
    const { answered } = asked ?? {};
    asked = undefined;
    isShown = false;
    answered?.(typed);
  };
  const show = ({ words, isSecret }: Asked, isAgain: boolean) => {
    if (!isAgain || isSecret) forget(line);
    isShown = true;
    line?.setPrompt(words);
    line?.prompt(isAgain);
    isShown = !isSecret;
  };
  // `fg` after Ctrl-Z: what was typed of a secret before cannot be seen, so it is typed anew.
  const goOn = () => {
    input.setRawMode?.(true);
    if (asked !== undefined) show(asked, true);
  };
  const hold = () => {
    const opened = createInterface({ input, output: screen, terminal: true, historySize: 0 });
    line = opened;
    process.on('SIGCONT', goOn);
    opened.on('line', (typed) => {
      if (asked !== undefined) return end(typed.trim());
      if (typed !== '' && early === 'none') early = 'typed';
      signalAll('SIGCONT');
    });
    opened.on('SIGINT', () => (asked === undefined ? signalAll('SIGINT') : end(undefined)));
    opened.on('SIGTSTP', () => {
      input.setRawMode?.(false);
      signalAll('SIGTSTP');
    });
    // Ctrl-D.
    opened.on('close', () => {
      if (line !== opened) return;
      release();
      end(undefined);
      hold();
    });
  };
  const release = () => {
    process.off('SIGCONT', goOn);
    const held = line;
    line = undefined;
    held?.close();
  };
  return {
    async ask(words, how) {
      if (line === undefined) hold();
      if (early === 'typed') output.write(TOO_EARLY);
      if (early === 'typed') early = 'told';
      const isSecret = how === 'secret';
      const typed = await new Promise<string | undefined>((answered) => {
        asked = { words, isSecret, answered };
        show(asked, false);
      });
      if (isSecret || typed === undefined) output.write('\n');
      if (typed === undefined) throw new Interrupted();
      return typed;
    },
    // It is a signal, as the process that waits is not always the one that has the terminal.
    enter: async (abort) => {
      await once(process, 'SIGCONT', { signal: abort }).catch(() => undefined);
    },
    hold,
    release,
  };
}

/** Deletes what is typed so far. */
function forget(line: Interface | undefined): void {
  line?.write(null, { ctrl: true, name: 'e' });
  line?.write(null, { ctrl: true, name: 'u' });
}

interface Named {
  readonly name: string;
  /** Of what it is the name. */
  readonly what: string;
  /** The state of things where another one is typed. */
  readonly unchanged: string;
}

/** Demands that the person types a name, before what cannot be undone. @throws Failed, also at Ctrl-C */
export async function demandTyped(stdin: Keyboard, out: Output, { name, what, unchanged }: Named): Promise<void> {
  const prompt = terminalPrompt(stdin, out);
  try {
    if ((await prompt.ask(`Type ${name} to go on: `, 'line')) === name) return;
  } catch {
    throw new Failed(`Interrupted. ${unchanged}`);
  } finally {
    prompt.release();
  }
  throw new Failed(`That is not the ${what}. ${unchanged}`);
}
