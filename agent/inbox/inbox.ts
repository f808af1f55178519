import { type FSWatcher, watch } from 'node:fs';
import { basename } from 'node:path';
import type { Failure } from '../failure/failure.ts';
import { LOOK_MS, STILL_MS, Tray, type TrayOptions } from './tray.ts';

/** An inbox that is empty and watched is looked at all the same, in milliseconds: another directory may be in its place. */
const WATCHED_MS = 10 * 60_000;

/**
 * A chain that is put into `inbox/` of the state directory is verified as soon as it is complete; then it is either installed,
 * or moved to `rejected/` with the reason beside it. A delivery that must wait (other work is in flight, the leaf is not valid
 * yet) stays, and is tried again once a minute or sooner. Looks at every change; where it cannot watch, once a minute. Never
 * throws.
 */
export async function watchInbox(options: TrayOptions) {
  const { clock } = options;
  const closing = new AbortController();
  const tray = new Tray(options, closing.signal);
  let bell = new AbortController();
  const watching = ringing(tray.path, () => bell.abort());

  const run = async () => {
    while (!closing.signal.aborted) {
      // Before the look: a change during it must ring.
      bell = new AbortController();
      // What is watched is there.
      const isThere = watching.isOn() || (await tray.prepare());
      // Anew for each look: another directory may be mounted over it, or have its name by now.
      if (isThere) watching.restart();
      const wanted = isThere ? await tray.look() : undefined;
      if (wanted === undefined) watching.stop();
      const longest = watching.isOn() ? WATCHED_MS : LOOK_MS;
      await clock.sleep(Math.min(wanted ?? longest, longest), bell.signal);
      // A file that has just been touched is not complete before this, however often the bell rings.
      if (bell.signal.aborted) await clock.sleep(STILL_MS, closing.signal);
    }
  };
  const running = run();
  return {
    /** Why a file lies there for long. */
    waiting: (): Failure | undefined => tray.waiting,
    /** Ends at once. A delivery that is being verified stays, and is found again at the next start. */
    async close(): Promise<void> {
      closing.abort();
      bell.abort();
      watching.stop();
      await running;
    },
  };
}

/** Rings when a directory changes. It keeps no process alive. */
function ringing(path: string, ring: () => void) {
  let watcher: FSWatcher | undefined;
  const stop = () => {
    watcher?.close();
    watcher = undefined;
  };
  return {
    isOn: () => watcher !== undefined,
    /** Where watching is impossible (no inotify left: ENOSPC), it never rings. Never throws. */
    restart() {
      stop();
      try {
        watcher = watch(path, { persistent: false }, (_, name) => {
          // inotify(7): IN_DELETE_SELF and IN_MOVE_SELF, under the name of the directory: it was replaced, so watch again.
          if (name === basename(path)) stop();
          ring();
        }).on('error', stop);
      } catch {
        stop();
      }
    },
    stop,
  };
}
