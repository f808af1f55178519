import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';

/** Rings when a directory changes. It keeps no process alive. */
export class Watch {
  readonly #path: string;
  readonly #ring: () => void;
  #watcher: FSWatcher | undefined;

  constructor(path: string, ring: () => void) {
    this.#path = path;
    this.#ring = ring;
  }

  /** Starts watching. Where that is impossible (no inotify left: ENOSPC), it never rings. Never throws. */
  start(): void {
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(this.#path, { persistent: false }, (_, name) => {
        // inotify(7): IN_DELETE_SELF and IN_MOVE_SELF, under the name of the directory: it was replaced, so watch again.
        if (name === basename(this.#path)) this.stop();
        this.#ring();
      });
      this.#watcher.on('error', () => this.stop());
    } catch {
      this.stop();
    }
  }

  stop(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
