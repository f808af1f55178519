import type { MessageHeader } from './record.ts';

interface AgeOptions {
  readonly maxAgeMs?: number;
  now(): number;
  /** Milliseconds since some moment. */
  monotonic?(): number;
}

/** A gateway without a battery for its clock begins in 1970, or when its system was built. */
const CREDIBLE = Date.UTC(2025, 0);

/**
 * Judges whether a message is too old. The wall clock says it, with three reserves:
 * - A clock that is set forward: no message of this run is older than the run, which the monotonic clock tells.
 * - A message from before the clock was set for the first time: its age is not known, and it stays.
 * - A clock that is set back: a message from the future is young, until the clock has come so far again.
 * Messages of a run before do go where the clock is set forward by mistake; each is counted when it is met.
 * @param firstOfRun the first sequence of this run
 */
export function expiry(options: AgeOptions, firstOfRun: number): (header: MessageHeader) => boolean {
  const { maxAgeMs, now, monotonic = () => performance.now() } = options;
  if (maxAgeMs === undefined) return () => false;
  const begun = monotonic();
  return ({ sequence, at }) => {
    if (at < CREDIBLE) return false;
    const longest = sequence >= firstOfRun ? monotonic() - begun : Number.POSITIVE_INFINITY;
    return Math.min(now() - at, longest) > maxAgeMs;
  };
}
