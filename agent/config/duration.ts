import type { RenewAt } from '../roll/terms.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1000, min: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Milliseconds of a text such as "90s", "10min", "12hour" or "30day"; undefined where it is none of these. */
export function durationMs(written: string): number | undefined {
  const [, count, unit] = /^(\d{1,9})(s|min|hour|day)$/.exec(written) ?? [];
  const unitMs = unit === undefined ? undefined : UNITS[unit];
  return unitMs === undefined ? undefined : Number(count) * unitMs;
}

/** In percent. With less, the spread of a fleet (5 % of the lifetime) could leave nothing: a leaf would be due on arrival. */
export const LEAST_SHARE = 10;

/** Share of the lifetime ("66%"), time left ("30day") or "off"; undefined where it is none of these. */
export function renewAt(written: string): RenewAt | undefined {
  if (written === 'off') return 'off';
  const [, percent] = /^(\d{1,2})%$/.exec(written) ?? [];
  if (percent !== undefined) return Number(percent) < LEAST_SHARE ? undefined : { share: Number(percent) / 100 };
  const leftMs = durationMs(written);
  return leftMs === undefined ? undefined : { leftMs };
}
