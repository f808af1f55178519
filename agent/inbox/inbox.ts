import { LOOK_MS, STILL_MS, Tray, type TrayOptions } from './tray.ts';
import { Watch } from './watch.ts';

export interface Inbox {
  /** Ends at once. A delivery that is being verified stays, and is found again at the next start. */
  close(): Promise<void>;
}

/**
 * A chain that is put into `inbox/` of the state directory is verified as soon as it is complete; then it is either installed,
 * or moved to `rejected/` with the reason beside it. A delivery that must wait (other work is in flight, the leaf is not valid
 * yet) stays, and is tried again once a minute or sooner. Looks at every change, and at least once a minute. Never throws.
 */
export async function watchInbox(options: TrayOptions): Promise<Inbox> {
  const { clock } = options;
  const closing = new AbortController();
  const tray = new Tray(options, closing.signal);
  let bell = new AbortController();
  const watch = new Watch(tray.path, () => bell.abort());

  const run = async () => {
    while (!closing.signal.aborted) {
      // Before the look: a change during it must ring.
      bell = new AbortController();
      const isReady = await tray.prepare();
      if (isReady) watch.start();
      await clock.sleep(isReady ? await tray.look() : LOOK_MS, bell.signal);
      // A file that has just been touched is not complete before this, however often the bell rings.
      if (bell.signal.aborted) await clock.sleep(STILL_MS, closing.signal);
    }
  };
  const running = run();
  return {
    async close() {
      closing.abort();
      bell.abort();
      watch.stop();
      await running;
    },
  };
}
