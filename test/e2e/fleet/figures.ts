const SECOND = 1_000;

/**
 * How many moments (milliseconds) fall into each of so many equal parts of a span that begins at 0, or into each of its
 * seconds; those outside into the nearest.
 */
export function histogram(moments: readonly number[], span: number, parts = Math.ceil(span / SECOND)): number[] {
  const counts = Array.from({ length: parts }, () => 0);
  for (const moment of moments) {
    const part = Math.min(parts - 1, Math.max(0, Math.floor((moment / span) * parts)));
    counts[part] = (counts[part] ?? 0) + 1;
  }
  return counts;
}

/** The most moments (milliseconds, ascending) within one second, wherever that second begins. */
export function peakOf(moments: readonly number[]): number {
  let peak = 0;
  let first = 0;
  for (const [last, moment] of moments.entries()) {
    while (moment - (moments[first] ?? moment) >= SECOND) first += 1;
    peak = Math.max(peak, last - first + 1);
  }
  return peak;
}
