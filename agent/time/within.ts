import { type Clock, systemClock } from './clock.ts';

interface Limit {
  /** Ends the wait with the reason of the signal. */
  readonly abort?: AbortSignal | undefined;
  /** Ends the wait after this time, in milliseconds, with the error of `late`. */
  readonly after?: { readonly ms: number; readonly late: () => Error; readonly clock?: Pick<Clock, 'sleep'> };
}

/** Waits for `work` within the limit. The work itself is not stopped. */
export async function within<T>(work: Promise<T>, { abort, after }: Limit): Promise<T> {
  const over = new AbortController();
  let cancel = (): void => {};
  const end = new Promise<never>((_, reject) => {
    cancel = () => reject(abort?.reason);
    if (abort?.aborted) cancel();
    abort?.addEventListener('abort', cancel, { once: true });
    if (after === undefined) return;
    const { ms, late, clock = systemClock } = after;
    void clock.sleep(ms, over.signal).then(() => over.signal.aborted || reject(late()));
  });
  try {
    return await Promise.race([end, work]);
  } finally {
    over.abort();
    abort?.removeEventListener('abort', cancel);
  }
}
