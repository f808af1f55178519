import { readFile, rm, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';

/**
 * A module that has lost its token is loaded again at most once in this time, in milliseconds, as by thin-edge.io
 * (`should_reinit` in its pkcs11/mod.rs): each load also starts the token, and the hardware behind it, anew.
 */
export const APART_MS = 30_000;

/**
 * Each daemon leaves it at its start, and removes it when it was told to end, or when no restart can help. So a note that is
 * found is of a daemon that was killed, or that has lost its module. systemd paces restarts too, but only from version 254 on.
 */
export class StartNote {
  readonly #path: string | undefined;
  readonly #upMs: () => number;

  /**
   * @param runtime $RUNTIME_DIRECTORY: gone when the machine starts, and not between two daemons of a unit with
   *   `RuntimeDirectoryPreserve=restart`. Without it, no unit restarts us within a second.
   * @param upMs since the machine has started: by a clock that cannot be set
   */
  constructor(runtime: string | undefined, upMs: () => number = () => uptime() * 1000) {
    this.#path = runtime && join(runtime, 'started');
    this.#upMs = upMs;
  }

  /** How long the token must be left alone before it is opened, in milliseconds. */
  async owedMs(): Promise<number> {
    if (this.#path === undefined) return 0;
    const text = await readFile(this.#path, 'utf8').catch(() => '');
    const agoMs = this.#upMs() - Number(text || Number.NaN);
    return agoMs >= 0 && agoMs < APART_MS ? APART_MS - agoMs : 0;
  }

  /** A daemon is about to open the token. Without a note it starts all the same. */
  async leave(): Promise<void> {
    if (this.#path !== undefined) await writeFile(this.#path, `${this.#upMs()}\n`).catch(() => {});
  }

  async remove(): Promise<void> {
    if (this.#path !== undefined) await rm(this.#path, { force: true }).catch(() => {});
  }
}
