import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** The servers that a module speaks to. Each has a process group of its own, as some of them fork one for each client. */
export class Servers {
  readonly #environment: Readonly<Record<string, string>>;
  readonly #running = new Map<string, ChildProcess>();

  constructor(environment: Readonly<Record<string, string>>) {
    this.#environment = environment;
    process.once('exit', () => this.kill());
  }

  start(program: string, args: readonly string[]): void {
    const env = { ...process.env, ...this.#environment };
    const child = spawn(program, args, { env, stdio: 'ignore', detached: true });
    child.unref();
    this.#running.set(program, child);
  }

  /** Kills all, and waits until they are gone with their locks. */
  async end(): Promise<void> {
    const left = [...this.#running.values()].filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    const gone = left.map((child) => once(child, 'exit'));
    this.kill();
    await Promise.all(gone);
    this.#running.clear();
  }

  /** Kills one of them, or all. */
  kill(only?: string): void {
    for (const [program, { pid }] of this.#running) {
      if (only !== undefined && only !== program) continue;
      try {
        if (pid !== undefined) process.kill(-pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    }
  }
}

/** @throws Error where it is not so within half a minute: longer than a server takes on the busiest machine */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let look = 0; !isSo(); look += 1) {
    if (look > 3_000) throw new Error(`not so within 30 s: ${what}`);
    await setTimeout(10);
  }
}

/** Flags of a socket in /proc/net/unix that takes connections (__SO_ACCEPTCON). Its file is there some time before. */
const LISTENS = '00010000';

/** @param paths of UNIX sockets */
export const listening = (...paths: readonly string[]): Promise<void> =>
  until(`somebody listens at ${paths.join(' and ')}`, () => {
    const sockets = readFileSync('/proc/net/unix', 'utf8').split('\n');
    return paths.every((path) => sockets.some((one) => one.includes(` ${LISTENS} `) && one.endsWith(` ${path}`)));
  });
