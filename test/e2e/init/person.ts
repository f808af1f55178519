import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { PATIENCE_MS } from '../site.ts';

/** Somebody in front of a terminal: reads what a program shows, and types. */
export class Person {
  readonly #script: ChildProcess;
  readonly #ended: Promise<number | null>;
  #raw = '';
  #read = 0;
  #look = () => {};

  /** @param argv run on a pseudo terminal of 80 columns, by script(1) */
  constructor(argv: readonly string[], env: NodeJS.ProcessEnv) {
    const line = `stty cols 80; exec ${argv.map(quoted).join(' ')}`;
    this.#script = spawn('script', ['--quiet', '--return', '--flush', '--command', line, '/dev/null'], {
      env: { ...env, SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#script.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#raw += text;
      this.#look();
    });
    this.#ended = once(this.#script, 'close').then(([code]) => code);
  }

  /** All that was shown, as one sees it: with what was typed, without colours. */
  get transcript(): string {
    const lines = this.#shown.split('\n');
    return lines.map((line) => line.slice(line.lastIndexOf('\r') + 1)).join('\n');
  }

  /** In the order in which it came. */
  get #shown(): string {
    return stripVTControlCharacters(this.#raw).replace(/\r+\n/g, '\n');
  }

  /** Waits until something is shown that was not looked at yet. @throws Error with the transcript where it does not come */
  async sees(what: string | RegExp): Promise<void> {
    const deadline = AbortSignal.timeout(PATIENCE_MS);
    for (;;) {
      const unread = this.#shown.slice(this.#read);
      const at = typeof what === 'string' ? unread.indexOf(what) : unread.search(what);
      if (at >= 0) {
        const [found = ''] = typeof what === 'string' ? [what] : (what.exec(unread) ?? []);
        this.#read += at + found.length;
        return;
      }
      const more = new Promise<void>((resolve) => {
        this.#look = resolve;
      });
      const over = once(deadline, 'abort').then(() => 'over' as const);
      const end = this.#ended.then(() => 'over' as const);
      if ((await Promise.race([more, over, end])) === 'over' && !this.#shown.slice(this.#read).match(what)) {
        throw new Error(`"${what}" was not shown:\n${this.transcript}`);
      }
    }
  }

  /** Waits for the question, and types the answer and Enter. */
  async answers(question: string | RegExp, answer: string): Promise<void> {
    await this.sees(question);
    this.types(`${answer}\r`);
  }

  types(keys: string): void {
    this.#script.stdin?.write(keys);
  }

  /** Presses Ctrl-C. */
  interrupts(): void {
    this.types('\u0003');
  }

  /** Waits for the end, and returns the exit code. */
  ended(): Promise<number | null> {
    return this.#ended;
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
