import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Mask } from './mask.ts';

/** `az` has refused, or is not there. The message has its own words, without secrets. */
export class AzFailed extends Error {}

export type Options = Readonly<Record<string, string | true>>;

/** The Azure CLI, one command at a time. No secret is ever among the arguments: all users of a machine can read these. */
export class Az {
  readonly #mask: Mask;
  #running: Promise<unknown> = Promise.resolve();

  constructor(mask: Mask) {
    this.#mask = mask;
  }

  /**
   * Runs one command, as `group create`, and answers with what it printed as JSON; undefined where it printed nothing.
   * @param options by name, without dashes; `true` where one takes no value
   * @throws AzFailed
   */
  ask(command: string, options: Options = {}): Promise<unknown> {
    const given = Object.entries(options).flatMap(([name, value]) =>
      value === true ? [`--${name}`] : [`--${name}`, value],
    );
    const answer = this.#ask([...command.split(' '), ...given]);
    this.#running = answer.catch(() => undefined);
    return answer;
  }

  /** Resolves when no command runs: one that is cut off would leave a resource half made, or be made after all. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #ask(words: readonly string[]): Promise<unknown> {
    // In a process group of its own: Ctrl-C at the terminal does not reach it.
    const child = spawn('az', [...words, '--only-show-errors', '--output', 'json'], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const gone = new Promise<never>((_, reject) => {
      child.once('error', ({ message }) => reject(new AzFailed(`az cannot be run: ${message}`)));
    });
    const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    const [out, err, [code]] = await Promise.race([ended, gone]);
    if (code !== 0) throw new AzFailed(this.#mask.over(`az ${words.join(' ')} ended with ${code}:\n${err.trim()}`));
    return out.trim() === '' ? undefined : JSON.parse(out);
  }
}
