import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';

const INTERRUPT = '\u0003';

/** A command on a terminal of its own (script(1)): what somebody sees of it, and what they type. */
export class Terminal {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #ended: Promise<number>;
  #text = '';

  constructor(argv: readonly string[], env: NodeJS.ProcessEnv) {
    const command = argv.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    const script = ['--quiet', '--return', '--flush', '--command', command, '/dev/null'];
    this.#child = spawn('script', script, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#text += text;
    });
    this.#ended = once(this.#child, 'close').then(([code]) => code);
  }

  /** Everything that was written, with the line ends of a file. */
  get text(): string {
    return this.#text.replaceAll('\r\n', '\n');
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }

  interrupt(): void {
    this.type(INTERRUPT);
  }

  /** Waits until what was written matches. */
  async shows(wanted: RegExp, timeoutMs: number): Promise<void> {
    const late = AbortSignal.timeout(timeoutMs);
    const ended = this.#ended.then((code) => {
      if (!wanted.test(this.text)) throw new Error(`it ended with ${code}:\n${this.text}`);
    });
    try {
      while (!wanted.test(this.text)) await Promise.race([once(this.#child.stdout, 'data', { signal: late }), ended]);
    } catch (cause) {
      throw new Error(`it never showed ${wanted}:\n${this.text}`, { cause });
    }
    ended.catch(() => {});
  }

  /** The exit code of the command. */
  ended(): Promise<number> {
    return this.#ended;
  }

  end(): void {
    this.#child.kill();
  }
}
