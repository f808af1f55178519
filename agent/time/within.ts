interface Limit {
  /** Ends the wait with the reason of the signal. */
  readonly abort?: AbortSignal | undefined;
  /** Ends the wait after this time, in milliseconds, with the error of `late`. */
  readonly after?: { readonly ms: number; readonly late: () => Error };
}

/** Waits for `work` within the limit. The work itself is not stopped. */
export async function within<T>(work: Promise<T>, { abort, after }: Limit): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let cancel = (): void => {};
  const end = new Promise<never>((_, reject) => {
    cancel = () => reject(abort?.reason);
    if (abort?.aborted) cancel();
    abort?.addEventListener('abort', cancel, { once: true });
    if (after !== undefined) timer = setTimeout(() => reject(after.late()), after.ms);
  });
  try {
    return await Promise.race([end, work]);
  } finally {
    clearTimeout(timer);
    abort?.removeEventListener('abort', cancel);
  }
}
