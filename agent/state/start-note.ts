import { readFile, rm, writeFile } from 'node:fs/promises';
import { uptime } from 'node:os';
import { join } from 'node:path';

/**
 * A module that has lost its token is loaded again at most once in this time, in milliseconds, as by thin-edge.io
 * (`should_reinit` in its pkcs11/mod.rs): each load costs the token, and what stands behind it, a start of its own.
 */
export const APART_MS = 30_000;

/**
 * Left behind by each daemon that starts, and taken away again by one that was told to end, or that no restart can help.
 * So one that is found is of a daemon that was killed, or that has lost its module. systemd paces restarts too, but only
 * from version 254 on.
 */
export class StartNote {
  readonly #path: string | undefined;
  readonly #upMs: () => number;

  /**
   * @param runtime $RUNTIME_DIRECTORY: gone when the machine starts, and not between two daemons of a unit with
   *   `RuntimeDirectoryPreserve=restart`. Where there is none, nobody restarts us in a second.
   * @param upMs since the machine has started: by a clock that nobody sets
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

  /** A daemon is about to open the token. A note that cannot be written holds up nobody. */
  async leave(): Promise<void> {
    if (this.#path !== undefined) await writeFile(this.#path, `${this.#upMs()}\n`).catch(() => {});
  }

  async remove(): Promise<void> {
    if (this.#path !== undefined) await rm(this.#path, { force: true }).catch(() => {});
  }
}
