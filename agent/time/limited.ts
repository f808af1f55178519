/**
 * AbortSignal.timeout, for every use of it. For Node 20.20: in AbortSignal.any, a timeout that nothing else holds goes with the
 * next garbage collection, and never fires. A listener holds it.
 */
export function timeLimit(ms: number): AbortSignal {
  const late = AbortSignal.timeout(ms);
  late.addEventListener('abort', () => {}, { once: true });
  return late;
}

/** Fires with `abort`, and after `ms` milliseconds. */
export const limited = (abort: AbortSignal, ms: number): AbortSignal => AbortSignal.any([abort, timeLimit(ms)]);
