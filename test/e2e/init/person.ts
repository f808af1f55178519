import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { Terminal } from '../../unit/terminal.ts';
import { PATIENCE_MS } from '../stage/site.ts';

/** Somebody in front of a terminal: reads what a program shows, and types. */
export class Person {
  readonly #terminal: Terminal;
  /** How long the person waits for anything, in milliseconds. */
  readonly #patienceMs: number;
  /** So much of the screen has been looked at. */
  #read = 0;

  constructor(
    t: Pick<TestContext, 'after'>,
    argv: readonly string[],
    env: NodeJS.ProcessEnv,
    patienceMs = PATIENCE_MS,
  ) {
    this.#patienceMs = patienceMs;
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    this.#terminal = new Terminal(t, ['env', '-i', ...variables, ...argv]);
  }

  /** All that was shown, as one sees it, with what was typed. */
  get transcript(): string {
    const lines = stripVTControlCharacters(this.#terminal.screen.text).replace(/\r+\n/g, '\n').split('\n');
    return lines.map((line) => line.slice(line.lastIndexOf('\r') + 1)).join('\n');
  }

  /** Waits until something is shown that was not looked at yet. @throws Error with the transcript where it does not come */
  async sees(what: string | RegExp): Promise<void> {
    const { screen, ended } = this.#terminal;
    const over = new AbortController();
    const late = pause(this.#patienceMs, 'late', { signal: over.signal }).catch(() => undefined);
    await Promise.race([screen.shows(what, this.#read), ended, late]);
    over.abort();
    const unread = screen.text.slice(this.#read);
    const [found] = (typeof what === 'string' ? (unread.includes(what) ? [what] : null) : what.exec(unread)) ?? [];
    assert.notEqual(found, undefined, `"${what}" was not shown:\n${this.transcript}`);
    this.#read += unread.indexOf(found ?? '') + (found ?? '').length;
  }

  /** Waits for the question, and types the answer and Enter. */
  async answers(question: string | RegExp, answer: string): Promise<void> {
    await this.sees(question);
    this.types(`${answer}\r`);
  }

  types(keys: string): void {
    this.#terminal.type(keys);
  }

  /** Presses Ctrl-C. */
  interrupts(): void {
    this.types('\u0003');
  }

  /** Asserts the exit code at the end. */
  async ends(code: number): Promise<void> {
    const late = pause(this.#patienceMs, 'still at work', { ref: false });
    assert.equal(await Promise.race([this.#terminal.ended, late]), code, this.transcript);
  }
}
