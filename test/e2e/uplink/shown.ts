import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { TestContext } from 'node:test';
import type { Gateway } from '../stage/gateway.ts';
import { PATIENCE_MS } from '../stage/site.ts';

const POLL_MS = 20;

/** What `newleaf uplink show` prints for a program, to be pasted as it stands. */
export class Shown {
  readonly #parts: readonly string[];

  constructor(out: string) {
    this.#parts = out.split('\n\n');
  }

  static async of(gateway: Gateway, name: string): Promise<Shown> {
    const { code, out, err } = await gateway.command('uplink', 'show', name);
    assert.equal(code, 0, `${out}${err}`);
    return new Shown(out);
  }

  /** The lines below the comment with these words. */
  lines(about: string): readonly string[] {
    for (const part of this.#parts) {
      const lines = part.split('\n').filter((line) => line !== '');
      const comment = lines.filter((line) => line.startsWith('# ')).map((line) => line.slice(2));
      if (comment.join(' ').includes(about)) return lines.slice(comment.length);
    }
    throw new Error(`no comment says "${about}":\n${this.#parts.join('\n\n')}`);
  }

  /** The one line of them that begins so. */
  line(about: string, beginning = ''): string {
    const [line, ...more] = this.lines(about).filter((one) => one.startsWith(beginning));
    assert.ok(line !== undefined && more.length === 0, `${about}: ${this.lines(about).join('\n')}`);
    return line;
  }
}

/** Another program than newleaf. It ends with its test. */
export class Other {
  /** Lines that it has printed. */
  readonly lines: string[] = [];
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;

  constructor(t: TestContext, command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface(this.#child.stdout).on('line', (line) => this.lines.push(line));
    t.after(() => this.stop());
  }

  /** A line that was pasted into a shell. */
  static pasted(t: TestContext, line: string): Other {
    return new Other(t, 'sh', ['-c', `exec ${line}`]);
  }

  write(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  /** The first line that is so, after the first `since` of them. */
  async until(isSo: (line: string) => boolean, since = 0): Promise<string> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const line = this.lines.slice(since).find(isSo);
      if (line !== undefined) return line;
      assert.ok(Date.now() < deadline && this.#isRunning, `no such line: ${isSo}\n${this.lines.join('\n')}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** Its exit code, when it ends by itself. */
  async ended(): Promise<number | null> {
    if (this.#isRunning) await once(this.#child, 'close');
    return this.#child.exitCode;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.#isRunning) return;
    this.#child.kill(signal);
    await once(this.#child, 'close');
  }

  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }
}
