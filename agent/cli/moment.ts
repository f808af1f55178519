const UNITS = [
  { one: 's', many: 's', ms: 1_000, below: 90 },
  { one: 'min', many: 'min', ms: 60_000, below: 90 },
  { one: 'hour', many: 'hours', ms: 3_600_000, below: 48 },
  { one: 'day', many: 'days', ms: 86_400_000, below: 100 },
  { one: 'month', many: 'months', ms: 30.44 * 86_400_000, below: 24 },
  { one: 'year', many: 'years', ms: 365.25 * 86_400_000, below: Number.POSITIVE_INFINITY },
] as const;

/** A duration in words, rounded down: "45 s", "12 days". */
export function span(ms: number): string {
  for (const { one, many, ms: unit, below } of UNITS) {
    const count = Math.floor(Math.abs(ms) / unit);
    if (count < below) return `${count} ${count === 1 ? one : many}`;
  }
  return 'for ever';
}

/** Time that something took: "0.04 s", "12.0 s", then as `span`. */
export function took(ms: number): string {
  return ms < 60_000 ? `${(Math.max(0, ms) / 1_000).toFixed(ms < 9_995 ? 2 : 1)} s` : span(ms);
}

/** A moment as seen from now: "in 12 days", "4 min ago", "now". */
export function fromNow(at: number, now: number): string {
  if (Math.abs(at - now) < 1_000) return 'now';
  return at > now ? `in ${span(at - now)}` : `${span(now - at)} ago`;
}

const two = (part: number): string => String(part).padStart(2, '0');

/** `2026-11-25`, in the time zone of this process. */
export function localDay(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** `2026-11-25 14:49`, in the time zone of this process. */
export function localMinute(at: number): string {
  const date = new Date(at);
  return `${localDay(at)} ${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** `2026-11-25 14:49:53`, in the time zone of this process. */
export function localSecond(at: number): string {
  return `${localMinute(at)}:${two(new Date(at).getSeconds())}`;
}

/** `in 12 days (2026-12-07 03:10)` */
export const moment = (at: number, now: number): string => `${fromNow(at, now)} (${localMinute(at)})`;

/** `UTC+01:00`: the time zone of the times above. */
export function zone(at: number): string {
  const minutes = -new Date(at).getTimezoneOffset();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? '-' : '+'}${two(hours)}:${two(rest)}`;
}
