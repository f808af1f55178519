const UNITS: Readonly<Record<string, number>> = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Bytes of a text such as "64MiB" (IEC 80000-13); undefined where it is none. */
export function sizeBytes(written: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,9})(KiB|MiB|GiB)$/.exec(written) ?? [];
  const unitBytes = UNITS[unit];
  return unitBytes === undefined ? undefined : Number(count) * unitBytes;
}
