import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { Paper } from './cli/stage.ts';

export interface TerminalOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly columns?: number;
  readonly rows?: number;
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** A program on a terminal of its own, as a person has it before them. Needs script(1), which every Debian has. */
export class Terminal {
  /** What the program has written, escape sequences and all. */
  readonly screen = new Paper(true);
  /** Exit code of the program. */
  readonly ended: Promise<number | null>;
  readonly #script;

  /** @param t ends the program when it ends itself */
  constructor(
    t: Pick<TestContext, 'after'>,
    argv: readonly string[],
    { env = {}, columns = 80, rows = 24 }: TerminalOptions = {},
  ) {
    const command = `stty columns ${columns} rows ${rows}; exec ${argv.map(quoted).join(' ')}`;
    this.#script = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
      env: { ...process.env, TERM: 'xterm', SHELL: '/bin/sh', ...env },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#script.stdout.setEncoding('utf8').on('data', (text: string) => this.screen.write(text));
    this.ended = once(this.#script, 'close').then(([code]) => code);
    // A hangup, which script(1) hands on.
    t.after(() => this.#script.kill());
  }

  type(keys: string): void {
    this.#script.stdin.write(keys);
  }
}
