import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';

/** Rings when something changes in a directory. It keeps no process alive. */
export class Watch {
  readonly #path: string;
  readonly #ring: () => void;
  #watcher: FSWatcher | undefined;

  constructor(path: string, ring: () => void) {
    this.#path = path;
    this.#ring = ring;
  }

  /** Watches, if it does not yet. Where that cannot be (no inotify left: ENOSPC), nothing rings. Never throws. */
  start(): void {
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(this.#path, { persistent: false }, (_, name) => {
        // inotify(7): IN_DELETE_SELF and IN_MOVE_SELF, under the name of the directory: what is there next is another one.
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
